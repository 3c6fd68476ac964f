import type { WorkerPlace } from '../executor/executor.ts'
import { isFinal, STATUS, SUCCEEDED } from '../future/state.ts'
import { exceptionInfo } from '../record/exception-info.ts'
import type { ExecutionInfo, TaskInfo, TaskTimes } from '../record/record.ts'
import type { Parcel } from './parcel.ts'
import { parentIds } from './parents.ts'
import type { TaskRun } from './task-run.ts'

/** A time that has not come. Not 0, which is a time like others for a virtual clock. */
export const NOT_YET: number = -1

/** When a task came how far, in ms since the epoch; `NOT_YET` for what has not come in this attempt. */
export interface Moments {
  readonly ready: number
  readonly ended: number
  readonly received: number
  /** Whether a worker ran it, and told when. */
  readonly isRemote: boolean
  /** Where it ran, if a worker ran it, and that is known. */
  readonly place: WorkerPlace | undefined
  /** Of the arguments, where the engine has a data plane. */
  readonly parcel: Parcel | undefined
  /** Of earlier attempts, in ms. */
  readonly pastQueuedMs: number
  readonly pastRunMs: number
}

/** What is known of a task. */
export function taskInfo(run: TaskRun, moments: Moments): TaskInfo {
  const { scheduler, spec, outlet } = run.plan
  const isDone = isFinal(run.state)
  const hasSucceeded = run.state === SUCCEEDED
  const host = moments.isRemote ? moments.place?.host : hostname()
  return {
    taskId: run.id,
    name: spec.name,
    parentTaskIds: parentIds(run.parentKeys, (key) => scheduler.toId(key)),
    submitTime: run.submitTime,
    receivedTime: isDone ? moments.received : null,
    success: isDone ? hasSucceeded : null,
    exception: isDone && !hasSucceeded ? exceptionInfo(run.outcome) : null,
    execution: hasSucceeded ? executionInfo(host ?? hostname(), run.startTime, moments.ended, moments.parcel) : null,
    status: STATUS[run.state] ?? 'waiting',
    attempts: run.attempts,
    times: timesOf(run, moments, isDone ? moments.received : run.clock.now()),
    executor: outlet.name,
    host: run.startTime === NOT_YET ? null : (host ?? null),
    worker: moments.place?.worker ?? null,
    labels: spec.labels ?? {},
    bytes: moments.parcel?.bytes ?? 0,
  }
}

function timesOf({ submitTime, startTime }: TaskRun, moments: Moments, now: number): TaskTimes {
  const { pastQueuedMs, pastRunMs } = moments
  const ready = moments.ready === NOT_YET ? now : moments.ready
  const started = startTime === NOT_YET ? now : startTime
  const ended = moments.ended === NOT_YET ? now : moments.ended
  return {
    waitingMs: ready - submitTime - pastQueuedMs - pastRunMs,
    queuedMs: pastQueuedMs + started - ready,
    transferMs:
      moments.isRemote && moments.received !== NOT_YET && moments.ended !== NOT_YET
        ? moments.received - moments.ended
        : 0,
    runMs: pastRunMs + (startTime === NOT_YET ? 0 : ended - started),
  }
}

/** Without a data plane nothing is transformed on the way. */
function executionInfo(host: string, start: number, end: number, parcel: Parcel | undefined): ExecutionInfo {
  // Two clocks: what a part took may be more than there is room for.
  const taskStart = Math.min(start + (parcel?.inputMs ?? 0), end)
  const taskEnd = Math.max(end - (parcel?.resultMs ?? 0), taskStart)
  return {
    hostname: host,
    executionStartTime: start,
    executionEndTime: end,
    taskStartTime: taskStart,
    taskEndTime: taskEnd,
    inputTransformStartTime: start,
    inputTransformEndTime: taskStart,
    resultTransformStartTime: taskEnd,
    resultTransformEndTime: end,
  }
}

let thisHost: string | undefined

function hostname(): string {
  if (thisHost === undefined) {
    const { process } = globalThis as { process?: { getBuiltinModule?(id: string): unknown } }
    const os = process?.getBuiltinModule?.('node:os') as { hostname(): string } | undefined
    thisHost = os?.hostname() ?? 'localhost'
  }
  return thisHost
}
