import type { BaseFuture } from '../future/future.ts'
import { isElsewhere, referencesIn } from '../future/reference.ts'
import { SUCCEEDED } from '../future/state.ts'
import { fillIn } from './arguments.ts'
import type { Parcel } from './parcel.ts'
import { fetched, type References, StepFuture } from './references.ts'

/** What matters of a task where the outcomes of its parents are put in their places. */
export interface Filled {
  /** Whether it takes failures as values. */
  readonly isSettling: boolean
  /** The data plane of its engine. */
  readonly references: References | undefined
  readonly parcel: Parcel | undefined
}

/**
 * Puts the outcomes of futures in their places, all of which are done. Values that are in the hands of another engine have to be
 * fetched first: then a future stands there again. @returns those to wait for
 */
export function fillOutcomes(holders: readonly object[], filled: Filled): readonly StepFuture[] {
  if (!filled.isSettling && filled.parcel === undefined && fillValues(holders)) return NONE
  let steps: Map<BaseFuture<unknown>, StepFuture> | undefined
  fillIn(holders, (future, holder) => {
    if (!isElsewhere(future.outcome) || !isForeign(future, filled.references)) return outcomeIn(future, holder, filled)
    steps ??= new Map()
    const step = steps.get(future) ?? fetched(future.outcome)
    steps.set(future, step)
    return step
  })
  return steps === undefined ? NONE : [...steps.values()]
}

const NONE: readonly StepFuture[] = []

let isComplete = true

/** The common case, without a function for each call. @returns false if there are futures left, whose values are elsewhere */
function fillValues(holders: readonly object[]): boolean {
  isComplete = true
  fillIn(holders, valueHere)
  return isComplete
}

function valueHere(future: BaseFuture<unknown>): unknown {
  if (!isElsewhere(future.outcome)) return future.outcome
  isComplete = false
  return future
}

function isForeign({ outcome }: BaseFuture<unknown>, references: References | undefined): boolean {
  return referencesIn(outcome).some(({ owner }) => owner !== references)
}

function outcomeIn(future: BaseFuture<unknown>, holder: object, { isSettling, parcel }: Filled): unknown {
  if (!isSettling || (future instanceof StepFuture && future.isArgument))
    return parcel === undefined ? future.outcome : parcel.place(future.outcome, holder)
  const { state, outcome } = future
  if (state !== SUCCEEDED) return { status: 'rejected', reason: outcome }
  const settled = { status: 'fulfilled', value: outcome }
  if (parcel !== undefined) settled.value = parcel.place(outcome, settled)
  return settled
}
