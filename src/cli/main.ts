#!/usr/bin/env node
/** The command line: reads arguments, and calls what is public. */
import { parseArgs } from 'node:util'
import { type QueueWorker, type QueueWorkerOptions, startWorker } from '../bullmq/index.ts'
import { TapsError } from '../errors.ts'

const HELP = `Usage: taps-sdk worker --redis URL --queue NAME --module FILE [options]

Starts a worker of a queue, for clients with BullMQExecutor.

  --redis URL        redis://:password@host:port/database, or rediss: for TLS
                     (default: the environment variable TAPS_SDK_REDIS)
  --queue NAME       the name of the queue
  --module FILE      a module with tasks, more than once for several: a path, a URL or the name of a package;
                     others are not imported, whatever the queue says
  --workers N        processes that run tasks (default: the available parallelism)
  --concurrency N    calls that run at the same time in each of them (default: 1)
  --root DIR         the folder that ids of modules are relative to (default: that with the next package.json)
  --data-dir DIR     a folder that values may be kept in, more than once for several (default: none)
  --prefix TEXT      what the names of the queue's keys begin with (default: bull)
  --stalled RULE     what becomes of calls whose worker has died: fail (default), or again
  --help             this text

On SIGTERM or SIGINT it takes no more calls, and ends when those that run have ended; on a second one at once.
Exit codes: 0 after that, 1 if it fails or is ended at once, 2 for wrong arguments.
`

const OPTIONS = {
  redis: { type: 'string' },
  queue: { type: 'string' },
  module: { type: 'string', multiple: true },
  workers: { type: 'string' },
  concurrency: { type: 'string' },
  root: { type: 'string' },
  'data-dir': { type: 'string', multiple: true },
  prefix: { type: 'string' },
  stalled: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const

const SIGNALS = ['SIGTERM', 'SIGINT'] as const

/** Milliseconds that it takes to end at once, at the most. */
const PATIENCE = 2_000

/** Wrong arguments. */
class UsageError extends Error {}

async function main(args: readonly string[]): Promise<void> {
  const { values, positionals } = parsed(args)
  if (values.help === true) return void process.stdout.write(HELP)
  const [command, ...rest] = positionals
  if (command !== 'worker')
    throw new UsageError(
      command === undefined ? 'which command? There is: worker' : `there is no command ${command}; there is: worker`,
    )
  if (rest.length > 0) throw new UsageError(`worker takes no ${rest.join(' ')}: modules are given with --module`)
  const options = workerOptions(values)
  for (const signal of SIGNALS) process.on(signal, endAtOnce)
  const worker = await startWorker(options)
  for (const signal of SIGNALS) process.off(signal, endAtOnce)
  listen(worker)
  console.error(`taps-sdk worker ${worker.id} is ready for ${worker.slots} calls at a time`)
}

type Values = ReturnType<typeof parsed>['values']

function parsed(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true })
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

function workerOptions(values: Values): QueueWorkerOptions {
  const { redis = process.env.TAPS_SDK_REDIS || undefined, queue, module: modules = [], root, prefix, stalled } = values
  if (redis === undefined) throw new UsageError('where is the queue? Give --redis URL, or set TAPS_SDK_REDIS')
  if (queue === undefined) throw new UsageError('which queue? Give --queue NAME')
  if (modules.length === 0) throw new UsageError('which tasks? Give --module FILE for each module with tasks')
  return {
    connection: redis,
    queue,
    modules,
    workers: count('workers', values.workers),
    concurrency: count('concurrency', values.concurrency),
    root,
    dataDirs: values['data-dir'],
    prefix,
    stalled: stalled as 'fail' | 'again' | undefined,
  }
}

function count(option: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined
  if (!/^[1-9]\d{0,8}$/.test(value))
    throw new UsageError(`--${option} takes a whole number of at least 1, not ${value}`)
  return Number(value)
}

function listen(worker: QueueWorker): void {
  let last = ''
  worker
    .on('output', ({ stream, line }) => process[stream].write(`${line}\n`))
    .on('error', ({ message }) => {
      // While the server is away, the same over and over again.
      if (message !== last) console.error(`taps-sdk worker: ${message}`)
      last = message
    })
  let signals = 0
  const end = (): void => {
    if (++signals === 1) {
      console.error('taps-sdk worker ends when the calls that run have ended; a second signal ends it at once')
      worker.close().then(() => process.exit(signals === 1 ? 0 : 1), failed)
    } else {
      void worker.close({ isHard: true })
      setTimeout(() => process.exit(1), PATIENCE)
    }
  }
  for (const signal of SIGNALS) process.on(signal, end)
}

/** Before there is a worker. Without a listener the first process of a container would not end at all. */
function endAtOnce(): void {
  process.exit(0)
}

function failed(error: unknown): void {
  const isUsage = error instanceof UsageError || (error instanceof TapsError && error.code === 'CONFIG')
  const text = error instanceof UsageError || error instanceof TapsError ? error.message : error
  console.error('taps-sdk:', text)
  if (isUsage) console.error('Try: taps-sdk --help')
  process.exit(isUsage ? 2 : 1)
}

main(process.argv.slice(2)).catch(failed)
