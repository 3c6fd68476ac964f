import type { TaskSpec } from '../../task/task.ts'
import type { TaskRef } from '../../task/task-ref.ts'
import type { PlaneRecipe } from '../../transformer/data-plane.ts'
import type { TaskMessage } from '../../worker/protocol.ts'
import type { RemoteSource } from '../executor.ts'
import { Estimate } from './estimate.ts'

/** What is common to the calls of a task, as workers are told of it. */
export interface TaskKind {
  /** What the task is called between client and worker. */
  readonly no: number
  readonly name: string
  readonly message: TaskMessage
  readonly estimate: Estimate
  /** Milliseconds for a call; Infinity if there is no limit. */
  readonly timeout: number
  /** Milliseconds that a body has to end in after its time is up. */
  readonly killAfter: number
  /** The workers that it has to run in, see `prefix`; empty for all the same. */
  readonly group: string
}

/** How a task is entered in a message. */
export function taskMessage(
  no: number,
  { module, name, ordinal }: TaskRef,
  { labels = {}, timeout }: TaskSpec,
  killAfter: number,
  { idPrefix, plane }: KindSource,
): TaskMessage {
  const limits = [timeout === Infinity ? 0 : timeout, killAfter === Infinity ? null : killAfter] as const
  return [no, module, name, ordinal, idPrefix, labels, ...limits, plane ?? null]
}

/** What of the source of a call its kind depends on. */
export type KindSource = Pick<RemoteSource, 'idPrefix' | 'plane'>

/** What is called otherwise where the workers are. */
export interface Abroad {
  moduleOf(url: string): string
  planeOf(recipe: PlaneRecipe): PlaneRecipe
}

/** All kinds that a pool has met. */
export class TaskKinds {
  readonly #killAfter: number
  readonly #groupOf: (spec: TaskSpec) => string
  readonly #abroad: Abroad | undefined
  readonly #bySpec: WeakMap<TaskSpec, Map<string, TaskKind>> = new WeakMap()
  /** Tasks that are the same to a worker: `with()` makes a new spec for each call. */
  readonly #byKey: Map<string, TaskKind> = new Map()
  readonly #estimates: Map<string, Estimate> = new Map()
  #lastSpec: TaskSpec | undefined
  #lastPrefix = ''
  #lastKind: TaskKind | undefined

  /** @param abroad - how modules are called where the workers are, if not as here */
  constructor(killAfter: number, groupOf: (spec: TaskSpec) => string, abroad?: Abroad) {
    this.#killAfter = killAfter
    this.#groupOf = groupOf
    this.#abroad = abroad
  }

  /** @param source - the engine that it comes from */
  of(spec: TaskSpec, { idPrefix, plane }: KindSource): TaskKind {
    if (this.#lastSpec === spec && this.#lastPrefix === idPrefix) return this.#lastKind as TaskKind
    let kinds = this.#bySpec.get(spec)
    if (kinds === undefined) {
      kinds = new Map()
      this.#bySpec.set(spec, kinds)
    }
    let kind = kinds.get(idPrefix)
    if (kind === undefined) {
      kind = this.#find(spec, idPrefix, plane)
      kinds.set(idPrefix, kind)
    }
    this.#lastSpec = spec
    this.#lastPrefix = idPrefix
    this.#lastKind = kind
    return kind
  }

  #find(spec: TaskSpec, idPrefix: string, plane: PlaneRecipe | undefined): TaskKind {
    const { ref } = spec.fn as unknown as { readonly ref: TaskRef }
    const killAfter = spec.options.killAfter ?? this.#killAfter
    const source = { idPrefix, plane: plane && (this.#abroad?.planeOf(plane) ?? plane) }
    const there = { ...ref, module: this.#abroad?.moduleOf(ref.module) ?? ref.module }
    const message = taskMessage(this.#byKey.size, there, spec, killAfter, source)
    const key = JSON.stringify(message.slice(1))
    let kind = this.#byKey.get(key)
    if (kind === undefined) {
      const { timeout, name } = spec
      const estimate = this.#estimateOf(ref)
      kind = { no: this.#byKey.size, name, message, estimate, timeout, killAfter, group: this.#groupOf(spec) }
      this.#byKey.set(key, kind)
    }
    return kind
  }

  #estimateOf({ module, ordinal }: TaskRef): Estimate {
    const key = `${ordinal} ${module}`
    let estimate = this.#estimates.get(key)
    if (estimate === undefined) {
      estimate = new Estimate()
      this.#estimates.set(key, estimate)
    }
    return estimate
  }
}
