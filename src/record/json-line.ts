import type { TaskInfo } from './record.ts'

const seconds = (ms: number | null): number | null => (ms === null ? null : ms / 1000)

/**
 * A record as TaPS writes it: its keys in its order, Unix seconds, `null` where there is nothing. What TaPS does not have
 * follows after them, so that its analysis scripts read our logs.
 */
export function toJsonLine(record: TaskInfo): string {
  const { exception, execution, times } = record
  return `${JSON.stringify({
    task_id: record.taskId,
    name: record.name,
    parent_task_ids: record.parentTaskIds,
    submit_time: seconds(record.submitTime),
    received_time: seconds(record.receivedTime),
    success: record.success,
    exception,
    execution: execution && {
      hostname: execution.hostname,
      execution_start_time: seconds(execution.executionStartTime),
      execution_end_time: seconds(execution.executionEndTime),
      task_start_time: seconds(execution.taskStartTime),
      task_end_time: seconds(execution.taskEndTime),
      input_transform_start_time: seconds(execution.inputTransformStartTime),
      input_transform_end_time: seconds(execution.inputTransformEndTime),
      result_transform_start_time: seconds(execution.resultTransformStartTime),
      result_transform_end_time: seconds(execution.resultTransformEndTime),
    },
    status: record.status,
    attempts: record.attempts,
    times: {
      waiting_ms: times.waitingMs,
      queued_ms: times.queuedMs,
      transfer_ms: times.transferMs,
      run_ms: times.runMs,
    },
    executor: record.executor,
    host: record.host,
    worker: record.worker,
    labels: record.labels,
    bytes: record.bytes,
  })}\n`
}
