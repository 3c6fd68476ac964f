import { STATUS, type State } from '../future/state.ts'
import type { TaskStatus } from '../record/record.ts'
import { type ParentKeys, parentIds } from './parents.ts'

/** A task in a graph. */
export interface GraphNode {
  /** The task id, as in the record. */
  readonly id: string
  /** The name of the task. */
  readonly name: string
  /** How far it is. */
  readonly status: TaskStatus
  /** The ids of its parents, each once. */
  readonly parents: readonly string[]
}

/** The tasks of an engine and what they depend on, without values. */
export interface Graph {
  /** Oldest first. */
  readonly nodes: readonly GraphNode[]
}

/** Finished tasks, the last ones only, and without anything that holds on to values. */
export class History {
  readonly #capacity: number
  readonly #entries: { seq: number; name: string; state: State; parents: ParentKeys }[] = []
  #next = 0

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  add(seq: number, name: string, state: State, parents: ParentKeys): void {
    if (this.#capacity === 0) return
    const entry = this.#entries[this.#next]
    if (entry === undefined) this.#entries.push({ seq, name, state, parents })
    else {
      entry.seq = seq
      entry.name = name
      entry.state = state
      entry.parents = parents
    }
    this.#next = this.#next + 1 === this.#capacity ? 0 : this.#next + 1
  }

  nodes(toId: (key: number | string) => string): (GraphNode & { readonly seq: number })[] {
    return this.#entries.map(({ seq, name, state, parents }) => ({
      seq,
      ...graphNode(toId(seq), name, STATUS[state] as TaskStatus, parentIds(parents, toId)),
    }))
  }
}

export function graphNode(id: string, name: string, status: TaskStatus, parents: readonly string[]): GraphNode {
  return { id, name, status, parents }
}
