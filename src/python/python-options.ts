import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { ConfigError, NotShippableError } from '../errors.ts'
import type { PackKind } from '../executor/packs/pack-executor.ts'
import { projectFolder } from '../executor/packs/project.ts'
import { checkPlatform, inheritedExecArgv, POOL_CHECKS } from '../executor/pool/pool-options.ts'
import { check } from '../executor/pool/shipping.ts'
import { type Check, checkOptions, isObject, oneOf } from '../options.ts'
import type { TaskSpec } from '../task/task.ts'
import type { HostedInit, WorkerInit } from '../worker/protocol.ts'
import { workerSource } from '../worker/source.ts'
import { inFolder } from './folders.ts'
import type { HostMessage } from './protocol.ts'
import { PythonBackend } from './python-backend.ts'
import { defaultPython } from './python-program.ts'
import { pythonCodec } from './values.ts'

/** What the executors that are driven by Python have in common. */
export interface PythonOptions {
  /**
   * The Python on this machine that has the back end's packages; 3.9 or newer.
   * @defaultValue that of an environment that is activated (`VIRTUAL_ENV`), else `TAPS_SDK_PYTHON`, else `python3`
   */
  readonly python?: string | undefined
  /** The Node that runs tasks, as it is called where they run; 22.12 or newer. @defaultValue the one that runs this process */
  readonly node?: string | undefined
  /** The folder of the project where tasks run; modules below `root` are looked for there. @defaultValue the same as here */
  readonly folder?: string | undefined
  /** The folder here that `folder` stands for. @defaultValue the nearest one above the current folder that has a `package.json`, else that one */
  readonly root?: string | undefined
  /**
   * Environment variables of the Python program, besides those of this process, and of the workers, besides those that they have where they
   * are; `undefined` removes one from the former.
   */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined
  /** Options of Node where tasks run. @defaultValue those of this process that tell how modules are found and read */
  readonly execArgv?: readonly string[] | undefined
  /** Milliseconds after which a worker ends that has nothing to do. @defaultValue Infinity */
  readonly idleTimeout?: number | undefined
  /** Milliseconds that a body has to end in after its `timeout`, before its worker is replaced. A task may have its own. @defaultValue 1000 */
  readonly killAfter?: number | undefined
  /** A file that gets what tasks, and what runs beside them, write to standard output and error. */
  readonly outputFile?: string | undefined
}

export const isText = (value: unknown): boolean => typeof value === 'string' && value !== ''

const { env, execArgv, idleTimeout, killAfter, outputFile } = POOL_CHECKS

export const aCount: Check = oneOf(
  'a whole number of at least 1',
  (value) => Number.isSafeInteger(value) && (value as number) >= 1,
)
export const aText: Check = oneOf('a text', isText)
export const aFlag: Check = oneOf('true or false', (value) => typeof value === 'boolean')
export const aTime: Check = killAfter
export const plainOptions: Check = oneOf('an object that JSON can hold', isPlain)

const COMMON: Readonly<Record<keyof PythonOptions, Check>> = {
  python: oneOf('a path or a name', isText),
  node: oneOf('a path or a name', isText),
  folder: oneOf('the path of a folder, from the root', (value) => isText(value) && (value as string).startsWith('/')),
  root: oneOf(
    'the path of a folder',
    (value) => isText(value) && statSync(value as string, { throwIfNoEntry: false })?.isDirectory() === true,
  ),
  env,
  execArgv,
  idleTimeout,
  killAfter,
  outputFile,
}

/** @throws ConfigError for an unknown or wrong option */
export function checkPythonOptions(name: string, options: unknown, checks: Readonly<Record<string, Check>>): void {
  checkOptions(name, options, { ...checks, ...COMMON })
  checkPlatform(name)
}

/** Those of the options that a back end has itself. An endless time is none. */
export function given(options: object, checks: Readonly<Record<string, Check>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(options).filter(([option, value]) => option in checks && value !== undefined && value !== Infinity),
  )
}

/** @throws ConfigError if an option is not given */
export function required<T>(name: string, option: string, value: T | undefined, what: string): T {
  if (value === undefined) throw new ConfigError(`${name} needs ${option}: ${what}`)
  return value
}

/**
 * All that an executor is made of.
 * @param factory - the back end by its short name, or `module:callable`
 * @param backend - its options, as Python takes them
 */
export function pythonKind(
  name: string,
  options: PythonOptions,
  factory: string,
  backend: Readonly<Record<string, unknown>>,
): PackKind {
  const { python = defaultPython(process.env), env = {}, killAfter = 1000, outputFile, folder } = options
  const { root = projectFolder(process.cwd()) } = options
  const start = {
    factory,
    options: backend,
    host: hostMessage(options, resolve(root)),
    hostInit: hostInit(),
    workerSource,
  }
  return {
    name,
    outputFile,
    killAfter,
    foreign: pythonCodec,
    abroad: folder === undefined ? undefined : inFolder(resolve(root), folder),
    check: checkTask,
    backend: new PythonBackend({ name, python, env, start }),
  }
}

function hostMessage(options: PythonOptions, root: string): HostMessage {
  const { node, execArgv, folder, env = {}, idleTimeout = Infinity } = options
  return {
    root,
    node: node ?? process.execPath,
    execArgv: execArgv ?? inheritedExecArgv(process.execArgv),
    folder: folder ?? null,
    env: Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined)),
    idleTimeout: idleTimeout === Infinity ? null : idleTimeout,
  }
}

function hostInit(): string {
  const hosted: HostedInit = { modules: null, root: null }
  const init: Omit<WorkerInit, 'initializer'> = {
    lanes: 1,
    isThread: false,
    library: '',
    initializerArgs: [],
    packets: [],
    hosted,
  }
  return JSON.stringify(init)
}

/** Python functions can go there, unless a test has replaced them. @throws NotShippableError */
function checkTask(spec: TaskSpec): void {
  const { body, name } = spec
  if (body.foreign === undefined) check(spec)
  else if (body.isMock === true)
    throw new NotShippableError(`Task ${name} is mocked, which Python does not know of: run it in process`)
}

/** Whether a value means the same in JSON. */
function isPlain(value: unknown): boolean {
  if (!isObject(value)) return false
  try {
    return isSame(value, JSON.parse(JSON.stringify(value)))
  } catch {
    return false
  }
}

function isSame(value: unknown, copy: unknown): boolean {
  if (typeof value !== 'object' || value === null) return value === copy
  if (typeof copy !== 'object' || copy === null || Object.getPrototypeOf(value) !== Object.getPrototypeOf(copy))
    return false
  const entries = Object.entries(value).filter(([, child]) => child !== undefined)
  return entries.every(([key, child]) => isSame(child, (copy as Record<string, unknown>)[key]))
}
