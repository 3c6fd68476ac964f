import { CancelledError, isInstance, TimeoutError } from '../../errors.ts'
import { cancelledError } from '../../future/future.ts'
import { CANCELLED, FAILED, isFinal, READY, RUNNING, SUCCEEDED } from '../../future/state.ts'
import { ValueFuture } from '../../future/values.ts'
import type { TaskSpec } from '../../task/task.ts'
import type { Encoded } from '../../worker/codec.ts'
import type { RemoteCall, RemoteCalls, RemoteRun } from '../executor.ts'
import type { Queued } from '../ready-queue.ts'

/** A call of a pool's own `submit`: the future and the call in one object. */
export class PoolCall extends ValueFuture<unknown> implements RemoteCalls, RemoteCall, RemoteRun, Queued<PoolCall> {
  readonly spec: TaskSpec
  payload: Encoded
  nextReady: PoolCall | undefined = undefined
  #stop: { cancel(reason?: unknown): boolean } | undefined = undefined
  #wasToldToStop = false

  constructor(spec: TaskSpec, payload: Encoded) {
    super()
    this.spec = spec
    this.payload = payload
    this.state = READY
  }

  override get taskName(): string {
    return this.spec.name
  }

  get priority(): number {
    return this.spec.priority
  }

  get seq(): number {
    return 0
  }

  get attempts(): number {
    return 1
  }

  get mayRunAgain(): boolean {
    return false
  }

  get isReady(): boolean {
    return this.state === READY
  }

  override running(): boolean {
    return this.state === RUNNING
  }

  override cancel(reason?: unknown): boolean {
    if (isFinal(this.state)) return this.state === CANCELLED
    if (this.#stop !== undefined && !this.#stop.cancel(reason)) {
      this.#wasToldToStop = true
      return false
    }
    this.settle(CANCELLED, cancelledError(this.taskName, reason))
    return true
  }

  forEachRemote(visit: (call: RemoteCall) => void): void {
    visit(this)
  }

  leave(stop: { cancel(reason?: unknown): boolean }): RemoteRun {
    this.state = RUNNING
    this.#stop = stop
    return this
  }

  ended(isSuccess: boolean, outcome: unknown): void {
    const hasStopped = !isSuccess && this.#wasToldToStop && isInstance(outcome, CancelledError)
    this.settle(isSuccess ? SUCCEEDED : hasStopped ? CANCELLED : FAILED, outcome)
  }

  timeUp(): void {
    const error = new TimeoutError(`Task ${this.taskName} ran longer than ${this.spec.timeout} ms`)
    this.settle(FAILED, error)
    this.#stop?.cancel(error)
  }

  protected override onSettled(): void {
    this.payload = ''
  }
}
