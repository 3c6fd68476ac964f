import { ConfigError } from '../errors.ts'
import { describe } from '../options.ts'
import { foreignTask, type Task } from '../task/task.ts'
import type { TaskOptions } from '../task/task-options.ts'

/** Options of {@link pythonTask}. */
export type PythonTaskOptions = Omit<TaskOptions, 'lazy' | 'module' | 'onParentFailure'>

/** A path of names on each side: `package.module:Class.method`. */
const NAME = /^(?<module>[\p{ID_Start}_][\p{ID_Continue}.]*):[\p{ID_Start}_][\p{ID_Continue}.]*$/u

/**
 * A Python function as a task. It runs on the executors of `taps-sdk/python`, in the workers of their back ends, which import its
 * module; everywhere else, and called directly, it is refused with `NotShippableError`.
 *
 * Arguments and results are values: JSON, `undefined` and `null` (`None`), bigints, bytes (`Uint8Array`, `ArrayBuffer`), and typed arrays
 * (NumPy arrays; those of several dimensions are `NdArray`s). Integers beyond 2^53 come back as bigints. A data plane leaves them alone.
 * @param name - `module:function`, as Python imports it
 * @example
 * ```ts
 * const mean = pythonTask<[number[]], number>('statistics:mean')
 * const result = engine.submit(mean, engine.map(square, [1, 2, 3]))
 * ```
 * @throws ConfigError for a wrong name, or an unknown or wrong option
 */
export function pythonTask<Args extends readonly unknown[], Result>(
  name: `${string}:${string}`,
  options: PythonTaskOptions = {},
): Task<Args, Result> {
  const module = typeof name === 'string' ? NAME.exec(name)?.groups?.module : undefined
  if (module === undefined)
    throw new ConfigError(
      `pythonTask takes a function as "module:function", such as "statistics:mean", not ${describe(name)}`,
    )
  refuseOthers(options)
  const ref = { module: `python:${module}`, name, ordinal: 0 }
  const foreign = `${name} is a Python function, which runs in Python only: submit it to an engine whose executor is one of taps-sdk/python, such as PythonExecutor`
  return foreignTask(ref, options, foreign) as unknown as Task<Args, Result>
}

/** They make no sense for what is given values and takes no part in the data plane. */
function refuseOthers(options: PythonTaskOptions): void {
  const others = ['lazy', 'module', 'onParentFailure'].filter((key) => key in (options ?? {}))
  if (others.length > 0) throw new ConfigError(`pythonTask has no option ${others[0]}`)
}
