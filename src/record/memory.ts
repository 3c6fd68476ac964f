import type { RecordLogger, TaskInfo } from './record.ts'

/** Keeps the records in memory: for tests and small programs. */
export class MemoryRecordLogger implements RecordLogger {
  /** The records so far, in the order in which the tasks ended. */
  readonly records: TaskInfo[] = []

  /** Appends a record. */
  log(record: TaskInfo): void {
    this.records.push(record)
  }
}
