import { hostname } from 'node:os'
import { messageOf } from '../errors.ts'
import { shared } from '../shared.ts'
import { inside } from '../task/task-context.ts'
import { disposeResources } from '../task/worker-resource.ts'
import type { PlaneRecipe } from '../transformer/data-plane.ts'
import { WorkerBody, WorkerTask } from './body.ts'
import { type Channel, receivedValue, sendValue, unpack } from './channel.ts'
import { checkedPack, checkedTasks } from './checked-pack.ts'
import { decode, lookForCustomClassesIn, type Packet } from './codec.ts'
import { decodeFailure, encodeFailure } from './failure.ts'
import type { Ledger } from './ledger.ts'
import { findTask, loadTask } from './load.ts'
import { KnownModules } from './module-ids.ts'
import { Output } from './output.ts'
import { loadPlane } from './plane.ts'
import {
  ABORT,
  CALL_PARTS,
  CALLS,
  END,
  FATAL,
  type HostedInit,
  LOAD,
  LOADED,
  PACK,
  PACK_TO,
  PACKED,
  type PackMessage,
  READY,
  type Storage,
  type TaskMessage,
  TIME_UP,
  type WorkerInit,
} from './protocol.ts'
import { allowed } from './storage.ts'
import { type LaneHost, type Pack, WorkerLane } from './worker-lane.ts'

/** Clients whose tasks a worker remembers. */
const MOST_CLIENTS = 64

/** What runs in a worker, be it a thread or a process: takes messages, and runs the calls in them in lanes. */
export class WorkerProgram implements LaneHost {
  readonly channel: Channel
  readonly isThread: boolean
  readonly #tasks: WorkerTask[] = []
  /** Those of clients that send packs. */
  readonly #clients: Map<string, WorkerTask[]> = new Map()
  /** The only modules that there are; undefined where messages may name others. */
  #modules: KnownModules | undefined = undefined
  /** Where values may be kept; undefined where messages may say that. */
  #storage: Storage | undefined = undefined
  /** That the next pack is for. */
  #packLane = 0
  readonly #lanes: readonly WorkerLane[]
  readonly #output: Output
  #initializing: Promise<void> = Promise.resolve()

  /** @param ledgers - one for each lane; fewer where there are none */
  constructor(channel: Channel, init: WorkerInit, ledgers: readonly Ledger[]) {
    shared().isWorker = true
    this.channel = channel
    this.isThread = init.isThread
    this.#lanes = Array.from({ length: init.lanes }, (_, no) => new WorkerLane(no, this, ledgers[no]))
    this.#output = new Output(channel)
    if (init.library !== '') lookForCustomClassesIn(init.library)
    process.on('uncaughtExceptionMonitor', (error) => this.#tellFatal(error))
  }

  /** Calls the initializer, and says that the worker is there. */
  start(init: WorkerInit, beside: readonly object[]): void {
    const { initializer, initializerArgs, packets, hosted, tellsPlace } = init
    const initialize = async (message: TaskMessage | undefined): Promise<void> => {
      await this.#loadModules(hosted)
      if (message === undefined) return
      const task = new WorkerTask(message)
      await this.load(task)
      if (task.failure !== undefined) throw task.failure.error
      const args = typeof initializerArgs === 'number' ? decode(unpack(packets, beside)[0] as Packet) : initializerArgs
      const body = new WorkerBody(task, 0, 1, -1)
      const { fn } = task
      await inside(body, () => fn?.(...(args as readonly unknown[])))
      this.bodyEnded(body)
    }
    if (initializer !== undefined || hosted !== undefined) this.#initializing = initialize(initializer)
    this.#initializing.then(
      () => this.channel.send(JSON.stringify(tellsPlace ? [READY, hostname(), process.pid] : [READY])),
      (error) => {
        this.#tellFatal(error)
        process.exit(1)
      },
    )
  }

  async #loadModules(hosted: HostedInit | undefined): Promise<void> {
    this.#storage = hosted?.storage
    if (hosted === undefined || hosted.modules === null) return
    const known = new KnownModules(hosted.root ?? '')
    await known.load(hosted.modules)
    this.#modules = known
  }

  receive(text: string, beside: readonly object[]): void {
    if (text.startsWith(`[${PACK},`)) return this.#take(text, beside)
    const message = JSON.parse(text)
    switch (message[0]) {
      case PACK_TO:
        this.#packLane = message[1]
        return
      case TIME_UP:
        return this.#lanes[message[1]]?.timeUp(message[2])
      case CALLS:
        return this.#calls(message, beside)
      case ABORT:
        return this.#lanes[message[1]]?.abort(message[2], decodeFailure(receivedValue(message[3], message[4], beside)))
      case LOAD:
        return void this.#load(message[1], message[2])
      case END:
        return void this.#end()
    }
  }

  async load(task: WorkerTask): Promise<void> {
    try {
      const { name, ordinal, planeRecipe } = task
      const known = this.#modules
      const module = known?.url(task.module, name) ?? task.module
      // What a message names is imported only where it may name anything.
      const fn = await (known === undefined ? loadTask : findTask)({ module, name, ordinal })
      if (planeRecipe !== null)
        task.plane = await loadPlane(this.#allowed(known?.plane(planeRecipe) ?? planeRecipe), known === undefined)
      task.fn = fn
      lookForCustomClassesIn(module)
    } catch (error) {
      task.failure = { error }
    }
  }

  #allowed(recipe: PlaneRecipe): PlaneRecipe {
    return this.#storage === undefined ? recipe : allowed(recipe, this.#storage)
  }

  bodyEnded(body: WorkerBody): void {
    this.#output.bodyEnded(body)
    // What it still writes may come while another call runs there.
    body.lane = -1
  }

  #calls(message: readonly unknown[], beside: readonly object[]): void {
    const [, lane, calls, tasks, counts] = message as [number, number, unknown[], TaskMessage[]?, number[]?]
    for (const message of tasks ?? []) this.#tasks[message[0]] = new WorkerTask(message)
    this.#lanes[lane]?.push({ calls, packets: unpack(counts, beside), tasks: this.#tasks, isAlone: false })
  }

  /** It comes from elsewhere. One that makes no sense is over at once, without an answer to any of its calls. */
  #take(text: string, beside: readonly object[]): void {
    const lane = this.#packLane
    this.#packLane = 0
    try {
      this.#lanes[lane]?.push(this.#pack(checkedPack(JSON.parse(text)), beside))
    } catch (error) {
      console.error('A pack makes no sense:', messageOf(error))
      this.channel.send(`[${PACKED},${lane}]`)
    }
  }

  /** Each pack brings the tasks of its calls: the worker may never have met the client. */
  #pack([, client, calls, messages, counts]: PackMessage, beside: readonly object[]): Pack {
    const packets = unpack(counts, beside)
    const tasks = this.#clients.get(client) ?? []
    // The last one that was met goes to the end: the first one is forgotten first.
    this.#clients.delete(client)
    this.#clients.set(client, tasks)
    if (this.#clients.size > MOST_CLIENTS) this.#clients.delete(this.#clients.keys().next().value as string)
    for (const each of messages) tasks[each[0]] ??= new WorkerTask(each)
    for (let i = 0; i < calls.length; i += CALL_PARTS)
      if (!(tasks[calls[i] as number] instanceof WorkerTask)) throw new TypeError(`it has no task ${calls[i]}`)
    return { calls, packets, tasks, isAlone: true }
  }

  async #load(id: number, tasks: readonly TaskMessage[]): Promise<void> {
    // Whoever waits for it wants a worker that takes calls. If this fails, the worker ends.
    await this.#initializing.catch(() => new Promise(() => {}))
    const failure = await this.#loadAll(tasks)
    if (failure === undefined) this.channel.send(`[${LOADED},${id}]`)
    else sendValue(this.channel, `${LOADED},${id}`, encodeFailure(failure.error, this.isThread))
  }

  /** What the first of them failed with, if one did. */
  async #loadAll(messages: readonly TaskMessage[]): Promise<WorkerTask['failure']> {
    let failure: WorkerTask['failure']
    try {
      for (const message of checkedTasks(messages)) {
        const task = new WorkerTask(message)
        await this.load(task)
        failure ??= task.failure
      }
    } catch (error) {
      failure = { error }
    }
    return failure
  }

  #tellFatal(error: unknown): void {
    sendValue(this.channel, `${FATAL}`, encodeFailure(error, this.isThread))
  }

  async #end(): Promise<void> {
    for (const error of await disposeResources()) console.error('A resource could not be disposed of:', error)
    process.exit(0)
  }
}
