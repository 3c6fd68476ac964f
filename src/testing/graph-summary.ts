import type { Graph } from '../engine/history.ts'
import type { TaskStatus } from '../record/record.ts'

/** A graph by the names of its tasks: what a test compares, since ids differ from run to run. */
export interface GraphSummary {
  /** How many tasks there are of each name. */
  readonly tasks: Readonly<Record<string, number>>
  /** How many times a task of one name depends on one of another: `{ 'square -> sum': 3 }`. */
  readonly edges: Readonly<Record<string, number>>
  /** How many tasks there are of each status. */
  readonly statuses: Readonly<Partial<Record<TaskStatus, number>>>
}

/** Sums up a graph by names, for comparing it as a whole. */
export function summarizeGraph(graph: Graph): GraphSummary {
  const names = new Map(graph.nodes.map(({ id, name }) => [id, name]))
  return {
    tasks: countBy(graph.nodes.map(({ name }) => name)),
    edges: countBy(
      graph.nodes.flatMap(({ name, parents }) =>
        parents.map((parent) => `${names.get(parent) ?? '(forgotten)'} -> ${name}`),
      ),
    ),
    statuses: countBy(graph.nodes.map(({ status }) => status)),
  }
}

function countBy(values: readonly string[]): Record<string, number> {
  const counts = new Map<string, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  return Object.fromEntries(counts)
}
