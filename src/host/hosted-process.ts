import { type StdioOptions, spawn } from 'node:child_process'
import { closeSync } from 'node:fs'
import { openUnnamedFile, ProcessLink } from '../executor/pool/process-link.ts'
import type { LinkListener } from '../executor/pool/worker-link.ts'
import { FROM_CLIENT, IS_LOCAL, LEDGERS, LIFELINE, TO_CLIENT } from '../worker/descriptors.ts'
import { LEDGER_BYTES, LIMIT_BYTES } from '../worker/ledger.ts'
import { workerSource } from '../worker/source.ts'
import { HostLedger } from './host-ledger.ts'

/** How hosted workers are started. */
export interface HostedOptions {
  /** The Node program. */
  readonly node: string
  /** Options of Node. */
  readonly execArgv: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string | undefined
  /** How many calls a worker runs at the same time. */
  readonly lanes: number
  /** The first message to each, as JSON: a `WorkerInit`. */
  readonly init: string
}

/** A worker program that runs packs, one for each of its lanes at a time. */
export class HostedProcess extends ProcessLink {
  readonly ledgers: readonly HostLedger[]

  constructor({ node, execArgv, env, cwd, lanes, init }: HostedOptions, listener: LinkListener) {
    const file = openUnnamedFile(lanes * (LEDGER_BYTES + LIMIT_BYTES))
    const stdio: StdioOptions = ['ignore', 'pipe', 'pipe']
    stdio[FROM_CLIENT] = stdio[TO_CLIENT] = stdio[LIFELINE] = 'pipe'
    stdio[LEDGERS] = file
    const hosted = { ...env, [IS_LOCAL]: `hosted ${FROM_CLIENT} ${TO_CLIENT} ${LIFELINE} ${LEDGERS}` }
    const child = spawn(node, [...execArgv, '-e', workerSource], { stdio, env: hosted as NodeJS.ProcessEnv, cwd })
    const closing: LinkListener = {
      received: (text, beside) => listener.received(text, beside),
      wrote: (stream, line) => listener.wrote(stream, line),
      exited: (exit) => {
        listener.exited(exit)
        closeSync(file)
      },
    }
    super(child, [FROM_CLIENT, TO_CLIENT], closing)
    this.ledgers = Array.from({ length: lanes }, (_, lane) => new HostLedger(file, lane, lanes))
    if (child.pid === undefined) return
    this.passOn('stdout')
    this.passOn('stderr')
    this.send(init)
  }
}
