import { expect, test } from 'vitest'
import type { TaskInfo } from '../../src/index.ts'
import { toJsonLine } from '../../src/record/json-line.ts'

const SUCCEEDED: TaskInfo = {
  taskId: 'b',
  name: 'task',
  parentTaskIds: ['a'],
  submitTime: 1_700_000_000_000,
  receivedTime: 1_700_000_000_750,
  success: true,
  exception: null,
  execution: {
    hostname: 'node-1',
    executionStartTime: 1_700_000_000_100,
    executionEndTime: 1_700_000_000_700,
    taskStartTime: 1_700_000_000_200,
    taskEndTime: 1_700_000_000_600,
    inputTransformStartTime: 1_700_000_000_110,
    inputTransformEndTime: 1_700_000_000_190,
    resultTransformStartTime: 1_700_000_000_610,
    resultTransformEndTime: 1_700_000_000_690,
  },
  status: 'succeeded',
  attempts: 1,
  times: { waitingMs: 1, queuedMs: 2, transferMs: 3, runMs: 4 },
  executor: 'default',
  host: 'node-1',
  worker: 'process 4711',
  labels: { gpu: 1 },
  bytes: 0,
}

const TAPS_KEYS = [
  'task_id',
  'name',
  'parent_task_ids',
  'submit_time',
  'received_time',
  'success',
  'exception',
  'execution',
]
const EXECUTION_KEYS = [
  'hostname',
  'execution_start_time',
  'execution_end_time',
  'task_start_time',
  'task_end_time',
  'input_transform_start_time',
  'input_transform_end_time',
  'result_transform_start_time',
  'result_transform_end_time',
]

test("a line has TaPS's keys in their order, and after them what TaPS does not have", () => {
  const line = JSON.parse(toJsonLine(SUCCEEDED))
  expect(Object.keys(line)).toEqual([
    ...TAPS_KEYS,
    'status',
    'attempts',
    'times',
    'executor',
    'host',
    'worker',
    'labels',
    'bytes',
  ])
  expect(Object.keys(line.execution)).toEqual(EXECUTION_KEYS)
})

test('times are Unix seconds, with fractions', () => {
  const line = JSON.parse(toJsonLine(SUCCEEDED))
  expect(line.submit_time).toBe(1_700_000_000)
  expect(line.received_time).toBe(1_700_000_000.75)
  expect(EXECUTION_KEYS.slice(1).map((key) => Math.round((line.execution[key] - 1_700_000_000) * 1000))).toEqual([
    100, 700, 200, 600, 110, 190, 610, 690,
  ])
})

test('durations stay milliseconds, and say so', () => {
  expect(JSON.parse(toJsonLine(SUCCEEDED)).times).toEqual({ waiting_ms: 1, queued_ms: 2, transfer_ms: 3, run_ms: 4 })
})

test('what is not there is null, as in TaPS', () => {
  const line = JSON.parse(toJsonLine({ ...SUCCEEDED, receivedTime: null, success: null, execution: null }))
  expect([line.received_time, line.success, line.exception, line.execution]).toEqual([null, null, null, null])
})

test('an exception has the type, the message and the traceback', () => {
  const exception = { type: 'RangeError', message: 'too "large"\nby far', traceback: 'RangeError\n  at x' }
  const text = toJsonLine({ ...SUCCEEDED, success: false, status: 'failed', execution: null, exception })
  expect(JSON.parse(text).exception).toEqual(exception)
  expect(Object.keys(JSON.parse(text).exception)).toEqual(['type', 'message', 'traceback'])
})

test('a line is one line, whatever is in it', () => {
  const name = 'a\nb\r\u2028\u2029"\\\u0000 🌍 \ud800'
  const text = toJsonLine({ ...SUCCEEDED, name })
  expect(text.endsWith('\n')).toBe(true)
  expect(text.trimEnd()).not.toMatch(/[\n\r]/)
  expect(JSON.parse(text).name).toBe(name)
})
