/** The id of a task: sortable by age within its engine, whose prefix makes it unique. */
export function taskId(prefix: string, seq: number): string {
  return `${prefix}-${seq.toString(36).padStart(8, '0')}`
}
