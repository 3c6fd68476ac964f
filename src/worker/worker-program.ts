import { shared } from '../shared.ts'
import { inside } from '../task/task-context.ts'
import { disposeResources } from '../task/worker-resource.ts'
import { WorkerBody, WorkerTask } from './body.ts'
import { type Channel, receivedValue, sendValue, unpack } from './channel.ts'
import { decode, lookForCustomClassesIn, type Packet } from './codec.ts'
import { decodeFailure, encodeFailure } from './failure.ts'
import type { Ledger } from './ledger.ts'
import { loadTask } from './load.ts'
import { Output } from './output.ts'
import { loadPlane } from './plane.ts'
import { ABORT, CALLS, END, FATAL, LOAD, LOADED, READY, type TaskMessage, type WorkerInit } from './protocol.ts'
import { type LaneHost, WorkerLane } from './worker-lane.ts'

/** What runs in a worker, be it a thread or a process: takes messages, and runs the calls in them in lanes. */
export class WorkerProgram implements LaneHost {
  readonly channel: Channel
  readonly isThread: boolean
  readonly #tasks: WorkerTask[] = []
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
    lookForCustomClassesIn(init.library)
    process.on('uncaughtExceptionMonitor', (error) => this.#tellFatal(error))
  }

  /** Calls the initializer, and says that the worker is there. */
  start({ initializer, initializerArgs, packets }: WorkerInit, beside: readonly object[]): void {
    const initialize = async (message: TaskMessage): Promise<void> => {
      const task = new WorkerTask(message)
      await this.load(task)
      if (task.failure !== undefined) throw task.failure.error
      const args = typeof initializerArgs === 'number' ? decode(unpack(packets, beside)[0] as Packet) : initializerArgs
      const body = new WorkerBody(task, 0, 1)
      const { fn } = task
      await inside(body, () => fn?.(...(args as readonly unknown[])))
      this.bodyEnded(body)
    }
    if (initializer !== undefined) this.#initializing = initialize(initializer)
    this.#initializing.then(
      () => this.channel.send(`[${READY}]`),
      (error) => {
        this.#tellFatal(error)
        process.exit(1)
      },
    )
  }

  receive(text: string, beside: readonly object[]): void {
    const message = JSON.parse(text)
    switch (message[0]) {
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

  task(no: number): WorkerTask {
    return this.#tasks[no] as WorkerTask
  }

  async load(task: WorkerTask): Promise<void> {
    try {
      const fn = await loadTask(task)
      if (task.planeRecipe !== null) task.plane = await loadPlane(task.planeRecipe)
      task.fn = fn
      lookForCustomClassesIn(task.module)
    } catch (error) {
      task.failure = { error }
    }
  }

  bodyEnded(body: WorkerBody): void {
    this.#output.bodyEnded(body)
  }

  #calls(message: readonly unknown[], beside: readonly object[]): void {
    const [, lane, calls, tasks, counts] = message as [number, number, unknown[], TaskMessage[]?, number[]?]
    this.#learn(tasks)
    this.#lanes[lane]?.push({ calls, packets: unpack(counts, beside) })
  }

  #learn(tasks: readonly TaskMessage[] | undefined): void {
    for (const message of tasks ?? []) this.#tasks[message[0]] = new WorkerTask(message)
  }

  async #load(id: number, tasks: readonly TaskMessage[]): Promise<void> {
    // Whoever waits for it wants a worker that takes calls. If this fails, the worker ends.
    await this.#initializing.catch(() => new Promise(() => {}))
    let failure: WorkerTask['failure']
    for (const message of tasks) {
      const task = new WorkerTask(message)
      await this.load(task)
      failure ??= task.failure
    }
    if (failure === undefined) this.channel.send(`[${LOADED},${id}]`)
    else sendValue(this.channel, `${LOADED},${id}`, encodeFailure(failure.error, this.isThread))
  }

  #tellFatal(error: unknown): void {
    sendValue(this.channel, `${FATAL}`, encodeFailure(error, this.isThread))
  }

  async #end(): Promise<void> {
    for (const error of await disposeResources()) console.error('A resource could not be disposed of:', error)
    process.exit(0)
  }
}
