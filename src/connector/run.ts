/**
 * Each connector that a client makes has a run of its own: a name under which it stores. Whoever finds one can tell that it
 * is of this library, when and by which process it was begun, and so whether anybody still needs it.
 */
import { randomBytes, randomUUID } from 'node:crypto'
import { readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import { TransformError } from '../errors.ts'
import { type Check, describe, oneOf } from '../options.ts'

/** What the name of a run tells. */
export interface RunInfo {
  /** When it was begun, in ms since the epoch; to the second. */
  readonly time: number
  readonly host: string
  readonly pid: number
}

const RUN = /^taps-sdk-(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z-([A-Za-z0-9._-]{1,64})-(\d{1,10})-[0-9a-f]{12}$/
/** The number of the namespace of processes that Linux starts with. */
const NOT_IN_CONTAINER = '4026531836'
const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}'
const KEY = new RegExp(`^([A-Za-z0-9._-]{1,160})/((?:[0-9a-f]{8}/)?${UUID})$`)

/** Safe as the name of a file. */
export function newRun(): string {
  const time = new Date().toISOString().replace(/[-:]|\.\d+/g, '')
  return `taps-sdk-${time}-${thisHost()}-${process.pid}-${randomBytes(6).toString('hex')}`
}

/** @returns undefined if it is not the name of a run */
export function parseRun(name: string): RunInfo | undefined {
  const [, year, month, day, hour, minute, second, host, pid] = RUN.exec(name) ?? []
  if (host === undefined) return undefined
  return { time: Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`), host, pid: Number(pid) }
}

export const runOption: Check = oneOf(
  'the name of a run, as the property run of another connector tells it',
  (value) => typeof value === 'string' && RUN.test(value),
)

/** Whether the process that began a run is gone; undefined for another host, where nobody here can know. */
export function isOver({ host, pid, time }: RunInfo): boolean | undefined {
  if (host !== thisHost()) return undefined
  // A process that is started again in a container often has the number of the one before.
  if (pid === process.pid) return time + 1_000 < Date.now() - process.uptime() * 1_000
  return !isAlive(pid)
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    // It is alive, and somebody else's.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Containers on one machine may have one host name and number their processes alike: then their namespaces tell them apart. */
function thisHost(): string {
  const host =
    hostname()
      .replace(/[^A-Za-z0-9._-]/g, '_')
      .slice(0, 48) || 'localhost'
  return `${host}${processNamespace()}`
}

function processNamespace(): string {
  try {
    const [number] = /\d+/.exec(readlinkSync('/proc/self/ns/pid')) ?? ['']
    return number === NOT_IN_CONTAINER ? '' : `.${number}`
  } catch {
    return ''
  }
}

/** The part of a run that one writer has to itself. */
export function newPart(): string {
  return randomBytes(4).toString('hex')
}

/** A new key of a run, or of a part of it: `<run>/<uuid>`, `<run>/<part>/<uuid>`. */
export function newKey(run: string, part?: string): string {
  return part === undefined ? `${run}/${randomUUID()}` : `${run}/${part}/${randomUUID()}`
}

/** The part of a key after the run. @throws TransformError for what is no key of this run */
export function nameOf(key: unknown, run: string, owner: string): string {
  const [, ofRun, name] = (typeof key === 'string' && KEY.exec(key)) || []
  if (name === undefined) throw new TransformError(`${describe(key)} is no key of a ${owner}`)
  if (ofRun !== run) {
    throw new TransformError(
      `A key of run ${ofRun} was given to a ${owner} of run ${run}: make one with { run: ${JSON.stringify(ofRun)} } to read it`,
    )
  }
  return name
}
