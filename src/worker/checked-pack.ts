/** What comes from a queue is data, whoever wrote it: before it is used, it has the form of a pack. */
import { isObject } from '../options.ts'
import { CALL_PARTS, type PackMessage, type TaskMessage } from './protocol.ts'

/** Numbers of tasks: each has a place in a list. */
const MOST_TASKS = 1_000_000

/** @throws TypeError that says what is wrong */
export function checkedPack(message: unknown): PackMessage {
  const [, client, calls, tasks, packets = []] = message as readonly unknown[]
  check('client', typeof client === 'string')
  check('calls', Array.isArray(calls) && calls.length % CALL_PARTS === 0)
  checkedTasks(tasks)
  check('packets', Array.isArray(packets) && packets.every(isCount))
  return message as PackMessage
}

/** @throws TypeError that says what is wrong */
export function checkedTasks(tasks: unknown): readonly TaskMessage[] {
  check('tasks', Array.isArray(tasks) && tasks.every(isTaskMessage))
  return tasks as readonly TaskMessage[]
}

function isTaskMessage(message: unknown): boolean {
  if (!Array.isArray(message)) return false
  const [no, module, name, ordinal, idPrefix, labels, timeout, killAfter, plane] = message
  return (
    isCount(no) &&
    no < MOST_TASKS &&
    [module, name, idPrefix].every((text) => typeof text === 'string') &&
    isCount(ordinal) &&
    isObject(labels) &&
    isTime(timeout) &&
    (killAfter === null || isTime(killAfter)) &&
    (plane === null || plane === undefined || isObject(plane))
  )
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function isTime(value: unknown): boolean {
  return typeof value === 'number' && value >= 0
}

function check(what: string, isRight: boolean): void {
  if (!isRight) throw new TypeError(`its ${what} are none`)
}
