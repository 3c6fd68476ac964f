import { TapsError } from '../errors.ts'

/** Milliseconds after which it is asked again: a server or a worker may have been away. To import something twice does no harm. */
const AGAIN = 2_000

interface Load {
  /** Workers that have not answered yet. */
  readonly waiting: Set<string>
  settle(error?: unknown): void
}

/** Imports of modules that workers were asked for. */
export class Loads {
  readonly #loads: Map<string, Load> = new Map()
  #last = 0

  /** @param ask - asks the workers, with a word that their answers begin with */
  ask(client: string, workers: readonly string[], ask: (word: string) => void): Promise<void> {
    const word = `load ${client} ${++this.#last}`
    return new Promise((resolve, reject) => {
      const again = setInterval(() => ask(word), AGAIN).unref()
      const settle = (error?: unknown): void => {
        clearInterval(again)
        this.#loads.delete(word)
        if (error === undefined) resolve()
        else reject(error)
      }
      this.#loads.set(word, { waiting: new Set(workers), settle })
      ask(word)
    })
  }

  /** An answer of a worker. @param failure - empty if there is none */
  answered(word: string, failure: string): void {
    const [, client, number, worker = ''] = word.split(' ')
    const load = this.#loads.get(`load ${client} ${number}`)
    if (load === undefined) return
    if (failure === '') done(load, worker)
    else load.settle(new TapsError('ILLEGAL_STATE', failure))
  }

  workerWent(worker: string): void {
    for (const load of [...this.#loads.values()]) done(load, worker)
  }

  fail(error: unknown): void {
    for (const { settle } of [...this.#loads.values()]) settle(error)
  }
}

function done({ waiting, settle }: Load, worker: string): void {
  waiting.delete(worker)
  if (waiting.size === 0) settle()
}
