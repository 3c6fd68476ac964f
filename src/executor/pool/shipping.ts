import { BootstrapError, NotShippableError } from '../../errors.ts'
import { shared } from '../../shared.ts'
import { isTask, type TaskSpec } from '../../task/task.ts'
import { currentBody } from '../../task/task-context.ts'
import type { Given } from '../../transformer/data-plane.ts'
import { type Encoded, encode } from '../../worker/codec.ts'

/** A module that a worker can import: no name that only means something to who gave it. */
export const isImportable = (module: string): boolean => /^(file|data|https?):/.test(module)

/** A call in the form in which it leaves the process. @throws NotShippableError, SerializationError */
export function encodeCall(spec: TaskSpec, args: readonly unknown[] | Given, isThread: boolean): Encoded {
  check(spec)
  return encode(args, 'args', isThread)
}

/** @throws NotShippableError for what workers cannot import */
export const check: (spec: TaskSpec) => void = checkFor(isImportable)

/** The same for workers that have their modules already, and know them by names too. */
export const checkNamed: (spec: TaskSpec) => void = checkFor((module) => module !== '')

function checkFor(isKnown: (module: string) => boolean): (spec: TaskSpec) => void {
  const shippable: WeakSet<TaskSpec> = new WeakSet()
  let last: TaskSpec | undefined
  return (spec) => {
    if (spec !== last && !shippable.has(spec)) {
      checkShippable(spec, isKnown)
      shippable.add(spec)
    }
    last = spec
    if (spec.body.isMock === true) {
      throw new NotShippableError(
        `Task ${spec.name} is mocked, which no worker knows of: run it in process, with a TestEngine or an InProcessExecutor`,
      )
    }
  }
}

function checkShippable({ fn, name, body }: TaskSpec, isKnown: (module: string) => boolean): void {
  if (body.foreign !== undefined) throw new NotShippableError(body.foreign)
  if (!isTask(fn)) {
    throw new NotShippableError(
      `${name} is ${kindOf(fn)}, which cannot leave this process: workers import a task by its module. Declare it with task() at the top level of a module of its own, export const ${identifier(name)} = task(…), and submit that`,
    )
  }
  if (isKnown(fn.ref.module)) return
  throw new NotShippableError(
    `Task ${name} cannot leave this process: the module that declares it is ${fn.ref.module === '' ? 'not known' : `${fn.ref.module}, which workers cannot import`}. Say where it is, task({ module: import.meta.url }, fn), in a file`,
  )
}

function kindOf(fn: (...args: never[]) => unknown): string {
  if (fn.name.startsWith('bound ')) return 'a bound function'
  return /\{\s*\[native code\]\s*\}\s*$/.test(Function.prototype.toString.call(fn))
    ? 'a native function'
    : 'a plain function'
}

function identifier(name: string): string {
  return /^[\w$]+$/.test(name) && name !== 'anonymous' ? name : 'name'
}

/**
 * A worker that imports the module of a task must not start workers: a program that declares tasks and runs them would start
 * itself again, without an end. Inside of a task it may.
 * @throws BootstrapError
 */
export function checkBootstrap(what: string): void {
  if (shared().isWorker !== true || currentBody() !== undefined) return
  throw new BootstrapError(
    `${what} while a worker imports the module of a task: the worker would start the program anew. Move the tasks into a module of their own, which only declares them; or run the program only where import.meta.main is true (Node 24.2)`,
  )
}
