import type { Filter, Where } from '../filter/filter.ts'
import { type Clauses, declareClauses, madeByWorker, ordinaryValues } from './clauses.ts'
import type { ContractRunner } from './executor-contract.ts'

/** A value, and where it stands: without that, the first argument of a task with the name `task`. */
export type FilterCase = readonly [value: unknown, where?: Where]

/** How to test one filter. */
export interface FilterContractOptions {
  /** A new filter. */
  readonly create: () => Filter | Promise<Filter>
  /** What passes it. */
  readonly accepts: readonly FilterCase[]
  /** What does not. */
  readonly rejects: readonly FilterCase[]
  /** Clauses that cannot hold for it, by name, each with the reason. */
  readonly exempt?: Readonly<Record<string, string>> | undefined
}

interface Bench extends Pick<ContractRunner, 'expect'> {
  readonly filter: Filter
  readonly accepts: readonly FilterCase[]
  readonly rejects: readonly FilterCase[]
}

const ARGUMENT: Where = { task: 'task', kind: 'argument', index: 0 }
const RESULT: Where = { task: 'task', kind: 'result', index: -1 }

function answers(filter: Filter, cases: readonly FilterCase[]): unknown[] {
  return cases.map(([value, where = ARGUMENT]) => filter(value, { ...where }))
}

/** The values as arguments and as results. */
function everywhere(values: readonly unknown[]): readonly FilterCase[] {
  return [ARGUMENT, RESULT].flatMap((where) => values.map((value) => [value, where] as const))
}

/** One clause for each promise of the contract; see `Filter`. */
const CLAUSES: Clauses<Bench> = {
  'what it has to accept, it accepts': ({ filter, expect, accepts }) => {
    expect(answers(filter, accepts)).toEqual(accepts.map(() => true))
  },
  'what it has to reject, it rejects': ({ filter, expect, rejects }) => {
    expect(answers(filter, rejects)).toEqual(rejects.map(() => false))
  },
  'whatever the value, it answers at once, with true or false': ({ filter, expect }) => {
    const cases = everywhere(ordinaryValues())
    expect(answers(filter, cases).map((answer) => typeof answer)).toEqual(cases.map(() => 'boolean'))
  },
  'asked again, it answers the same': ({ filter, expect, accepts, rejects }) => {
    const cases = [...accepts, ...rejects]
    const first = answers(filter, cases)
    expect(answers(filter, cases)).toEqual(first)
    expect(answers(filter, cases.toReversed()).toReversed()).toEqual(first)
  },
  'it does not change what it is asked about': ({ filter, expect }) => {
    const values = ordinaryValues()
    answers(filter, everywhere(values))
    expect(values).toEqual(ordinaryValues())
  },
  'it does not change where that stands': ({ filter, expect }) => {
    const where = { ...ARGUMENT }
    filter('value', where)
    expect(where).toEqual(ARGUMENT)
  },
  'a worker can make one for itself, which answers the same': async ({ filter, expect, accepts, rejects }) => {
    const another = await madeByWorker(filter, 'filter')
    const cases = [...accepts, ...rejects]
    expect(answers(another, cases)).toEqual(answers(filter, cases))
  },
}

/**
 * The tests that every filter has to pass. Call it in a test file, once for each filter. A filter of one process only, such as
 * a plain function, is exempt from the clause of workers.
 *
 * @example
 * ```ts
 * describe('longText', () => filterContract({ test, expect }, {
 *   create: () => longText({ length: 3 }),
 *   accepts: [['abc']],
 *   rejects: [['ab'], [123]],
 * }))
 * ```
 */
export function filterContract(runner: ContractRunner, options: FilterContractOptions): void {
  const { create, accepts, rejects, exempt = {} } = options
  const { expect } = runner
  declareClauses('filter', CLAUSES, runner, exempt, async (clause) => {
    await clause({ filter: await create(), expect, accepts, rejects })
  })
}
