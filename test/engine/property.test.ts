import assert from 'node:assert/strict'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  DependencyError,
  Engine,
  type Executor,
  type ExecutorFuture,
  InProcessExecutor,
  type Joined,
  MemoryRecordLogger,
  type TaskFuture,
  type TaskStatus,
  task,
  taskContext,
} from '../../src/index.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { quiet } from '../support/quiet.ts'

/** What fast-check prints when a property fails has the seed and the path to the smallest example. Many checks: node's are quick. */
const RUNS = { seed: 20_260_214, numRuns: 3000 }

// --- A random graph, and what happens to it

interface Plan {
  /** Indices of earlier tasks; one may stand twice. */
  readonly parents: readonly number[]
  readonly shape: 'direct' | 'array' | 'deep'
  /** How many executions of the body fail before one succeeds. */
  readonly fails: number
  readonly retries: number
  readonly delay: number
  readonly timeout: number | undefined
  readonly priority: number
  readonly isSettling: boolean
  /** Whether the body ends as soon as its signal fires. */
  readonly stops: boolean
  /** Whether the body ends in the turn in which it starts. */
  readonly isInstant: boolean
  readonly weight: number
  /** How many of the plans that follow are elements of one map, with the options of this one; and in which chunks. */
  readonly group: number
  readonly chunkSize: number
  /** Whether something happens before it is submitted. */
  readonly isLater: boolean
}

type Action =
  | { readonly kind: 'finish'; readonly pick: number }
  | { readonly kind: 'cancel'; readonly pick: number }
  | { readonly kind: 'time'; readonly ms: number }

interface Scenario {
  readonly plans: readonly Plan[]
  readonly actions: readonly Action[]
  readonly slots: number
  readonly labelSlots: number
}

const plan = (maxParents: number): fc.Arbitrary<Plan> =>
  fc.record({
    parents: fc.array(fc.nat(), { maxLength: maxParents }),
    shape: fc.constantFrom('direct', 'array', 'deep'),
    fails: fc.oneof(
      { weight: 4, arbitrary: fc.constant(0) },
      { weight: 2, arbitrary: fc.constantFrom(1, 2, Infinity) },
    ),
    retries: fc.constantFrom(0, 0, 1, 2),
    delay: fc.constantFrom(0, 10),
    timeout: fc.constantFrom(undefined, undefined, 100),
    priority: fc.integer({ min: -2, max: 2 }),
    isSettling: fc.oneof({ weight: 5, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
    stops: fc.boolean(),
    isInstant: fc.boolean(),
    weight: fc.constantFrom(0, 0, 1, 2),
    group: fc.oneof({ weight: 5, arbitrary: fc.constant(1) }, { weight: 1, arbitrary: fc.integer({ min: 2, max: 4 }) }),
    chunkSize: fc.integer({ min: 1, max: 3 }),
    isLater: fc.boolean(),
  })

const scenario: fc.Arbitrary<Scenario> = fc.record({
  plans: fc.array(plan(3), { minLength: 1, maxLength: 20 }),
  actions: fc.array(
    fc.oneof(
      { weight: 6, arbitrary: fc.record({ kind: fc.constant('finish'), pick: fc.nat() }) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant('cancel'), pick: fc.nat() }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('time'), ms: fc.constantFrom(10, 100) }) },
    ),
    { maxLength: 40 },
  ) as fc.Arbitrary<Action[]>,
  slots: fc.constantFrom(1, 2, 3, Infinity),
  labelSlots: fc.constantFrom(2, 3),
})

/** A body that runs, or a call that an executor has: ends when it is chosen. */
interface Pending {
  finish(): void
}

const isFinal = (status: TaskStatus): boolean => !['waiting', 'ready', 'running'].includes(status)

/** One run of a scenario: the engine, what was seen on the way, and what must hold. */
class World {
  readonly plans: readonly Plan[]
  readonly futures: TaskFuture<number>[] = []
  readonly clock = new ManualClock()
  readonly log = new MemoryRecordLogger()
  readonly engine: Engine
  readonly pending: Pending[] = []
  readonly isHere: boolean
  /** By task: how often its body was started, what it fails with, whether it was cancelled by hand. */
  readonly starts: number[] = []
  readonly errors: Error[] = []
  readonly asked: Set<number> = new Set()
  readonly events: Map<string, string> = new Map()
  running = 0
  mostRunning = 0
  weight = 0
  mostWeight = 0
  readonly #scenario: Scenario
  #step = 0

  constructor(scenario: Scenario, executor: (world: World) => Executor, isHere: boolean) {
    this.#scenario = scenario
    this.isHere = isHere
    this.plans = scenario.plans.map((each, i) => ({
      ...each,
      parents: i === 0 ? [] : each.parents.map((parent) => parent % i),
    }))
    this.engine = new Engine({
      executor: executor(this),
      clock: this.clock,
      recordLogger: this.log,
      limits: { scarce: scenario.labelSlots },
    })
    const letters = { submitted: 'S', ready: 'R', started: 'B', retried: 'T', settled: 'E' } as const
    for (const [event, letter] of Object.entries(letters)) {
      this.engine.on(event as 'settled', ({ taskId }) => {
        this.events.set(taskId, `${this.events.get(taskId) ?? ''}${letter}`)
      })
    }
  }

  // --- What bodies do

  body(i: number, args: readonly unknown[]): number | Promise<number> {
    this.starts[i] = (this.starts[i] ?? 0) + 1
    this.checkParents(i)
    const { weight, isInstant } = this.optionsOf(i)
    this.mostRunning = Math.max(this.mostRunning, ++this.running)
    this.weight += weight
    this.mostWeight = Math.max(this.mostWeight, this.weight)
    const leave = (): void => {
      this.running--
      this.weight -= weight
    }
    if (this.isHere && !isInstant)
      return this.#wait(i)
        .finally(leave)
        .then(() => this.#end(i, args))
    leave()
    return this.#end(i, args)
  }

  #wait(i: number): Promise<void> {
    const { signal } = taskContext()
    return new Promise((resolve, reject) => {
      const entry: Pending = { finish: resolve }
      this.pending.push(entry)
      if (!this.optionsOf(i).stops) return
      signal.addEventListener('abort', () => {
        this.drop(entry)
        reject(signal.reason)
      })
    })
  }

  #end(i: number, args: readonly unknown[]): number {
    if ((this.starts[i] ?? 0) <= (this.plans[i] as Plan).fails) {
      this.errors[i] ??= new Error(`task ${i}`)
      throw this.errors[i]
    }
    return i + total(args)
  }

  /** No body starts, and no call is handed over, before its parents are done; none runs whose parents failed. */
  checkParents(i: number): void {
    const { parents, isSettling } = this.optionsOf(i)
    for (const parent of parents) {
      const { status } = (this.futures[parent] as TaskFuture<number>).info
      assert.ok(isSettling ? isFinal(status) : status === 'succeeded', `a parent of task ${i} is ${status}`)
    }
  }

  drop(entry: Pending): void {
    const i = this.pending.indexOf(entry)
    if (i !== -1) this.pending.splice(i, 1)
  }

  /** Those of a map go by the options of its first element. */
  optionsOf(i: number): Plan {
    const own = this.plans[i] as Plan
    const leader = this.leaders[i] ?? i
    const { parents, fails } = own
    return { ...(this.plans[leader] as Plan), parents, fails, ...(leader === i ? {} : { isLater: false }) }
  }

  // --- What happens

  readonly leaders: number[] = []

  async run(): Promise<void> {
    for (let i = 0; i < this.plans.length; i = this.futures.length) {
      if ((this.plans[i] as Plan).isLater) await this.act()
      this.submit(i)
    }
    while (this.#step < this.#scenario.actions.length) await this.act()
    await this.drain()
  }

  submit(i: number): void {
    const { group, isSettling, chunkSize, priority, timeout, retries, delay, weight } = this.plans[i] as Plan
    const options = {
      priority,
      timeout,
      retries: { limit: retries, delay },
      ...(weight > 0 ? { labels: { scarce: weight } } : {}),
    }
    const size = isSettling ? 1 : Math.min(group, this.plans.length - i)
    const members = Array.from({ length: size }, (_, k) => i + k)
    // A parent within the same map has no future yet.
    for (const member of members) {
      this.leaders[member] = i
      const own = this.plans[member] as { parents: readonly number[] }
      own.parents = own.parents.filter((parent) => parent < i)
    }
    const args = members.map((member) => this.argsOf(member))
    if (isSettling) this.#keep(this.engine.submit(settling.with(options), this, i, ...(args[0] as unknown[])))
    else if (size === 1) this.#keep(this.engine.submit(work.with(options), this, i, ...(args[0] as unknown[])))
    else {
      const worlds = members.map(() => this)
      for (const future of this.engine.map(work.with({ ...options, chunkSize }), worlds, members, args))
        this.#keep(future)
    }
  }

  #keep(future: TaskFuture<number>): void {
    this.futures.push(future)
    // Somebody waits for each of them.
    future.exception().catch(() => {})
  }

  argsOf(i: number): unknown[] {
    const { parents, shape } = this.plans[i] as Plan
    const futures = parents.map((parent) => this.futures[parent])
    if (shape === 'direct') return futures
    if (shape === 'array') return [futures]
    // Apart from each other, because a Set would hold equal values once.
    return [{ first: [new Set([futures[0] ?? 0])], rest: new Map(futures.slice(1).entries()) }]
  }

  async act(): Promise<void> {
    await quiet()
    const action = this.#scenario.actions[this.#step++]
    if (action === undefined) return
    if (action.kind === 'time') await this.clock.advance(action.ms)
    else if (action.kind === 'finish') this.#finish(action.pick)
    else if (this.futures.length > 0) this.#cancel(action.pick % this.futures.length)
  }

  #finish(pick: number): void {
    const [entry] = this.pending.splice(pick % Math.max(this.pending.length, 1), 1)
    entry?.finish()
  }

  #cancel(i: number): void {
    const future = this.futures[i] as TaskFuture<number>
    const { status } = future.info
    const answer = future.cancel(`by hand ${i}`)
    this.asked.add(i)
    if (status === 'cancelled' || status === 'waiting' || status === 'ready') assert.equal(answer, true)
    else if (status !== 'running' || this.isHere) assert.equal(answer, false)
    // True only if it will never run, or was stopped; then it is so at once.
    if (answer) assert.equal(future.cancelled(), true)
  }

  /** Until nothing can happen any more. */
  async drain(): Promise<void> {
    for (await quiet(); this.pending.length > 0 || this.clock.pending > 0; await quiet()) {
      if (this.pending.length > 0) this.#finish(0)
      else await this.clock.advanceToNext()
    }
  }

  // --- What must hold

  async check(): Promise<void> {
    assert.deepEqual(
      this.futures.filter((future) => !future.done()).map(({ info }) => info),
      [],
    )
    let isClosed = false
    this.engine.shutdown().then(() => {
      isClosed = true
    })
    await quiet()
    assert.ok(isClosed, 'shutdown has not ended')
    assert.deepEqual([this.running, this.pending.length, this.clock.pending], [0, 0, 0])
    if (this.isHere) {
      assert.ok(this.mostRunning <= this.#scenario.slots, `${this.mostRunning} bodies ran at once`)
      assert.ok(this.mostWeight <= this.#scenario.labelSlots, `the label was used ${this.mostWeight} times`)
    }
    this.#checkBooks()
    for (let i = 0; i < this.futures.length; i++) await this.#checkTask(i)
  }

  #checkBooks(): void {
    const infos = this.futures.map(({ info }) => info)
    const ids = infos.map(({ taskId }) => taskId)
    assert.equal(this.engine.tasksExecuted, this.plans.length)
    assert.equal(new Set(ids).size, this.plans.length)
    assert.deepEqual(ids.toSorted(), ids)
    // One record each, and it says what the future says.
    assert.deepEqual(
      this.log.records.toSorted((a, b) => (a.taskId < b.taskId ? -1 : 1)),
      infos,
    )
    assert.deepEqual(
      this.engine.graph().nodes,
      infos.map(({ taskId, name, status, parentTaskIds }) => ({ id: taskId, name, status, parents: parentTaskIds })),
    )
    for (const id of ids) assert.match(this.events.get(id) ?? '', /^S(RBT)*(RB?)?E$/)
  }

  async #checkTask(i: number): Promise<void> {
    const future = this.futures[i] as TaskFuture<number>
    const { parents, isSettling, retries, fails } = this.optionsOf(i)
    const { status, attempts, times, parentTaskIds, submitTime, receivedTime } = future.info
    const statuses = parents.map((parent) => this.futures[parent]?.info.status)
    const ids = parents.map((parent) => this.futures[parent]?.info.taskId)
    const starts = this.starts[i] ?? 0
    assert.deepEqual(parentTaskIds.toSorted(), [...new Set(ids)].toSorted())
    // A body runs once for each attempt, at most.
    assert.ok(starts <= attempts)
    if (this.isHere) assert.equal(starts, attempts)
    assert.ok(attempts <= retries + 1)
    assert.ok(Math.min(...Object.values(times)) >= 0)
    assert.equal(times.waitingMs + times.queuedMs + times.runMs, (receivedTime ?? Number.NaN) - submitTime)
    if (!isSettling && statuses.some((each) => each !== 'succeeded')) assert.match(status, /^(blocked|cancelled)$/)
    const error = status === 'cancelled' ? undefined : await future.exception()
    if (status === 'succeeded') {
      const values = await Promise.allSettled(parents.map((parent) => this.futures[parent]))
      assert.equal(await future, i + total(values))
      assert.ok(attempts > 0)
    } else if (status === 'failed') {
      assert.ok(attempts > 0)
      if ((error as { code?: string }).code !== 'TIMEOUT') assert.equal(error, this.errors[i])
      else assert.equal(this.optionsOf(i).timeout, 100)
      assert.ok(fails > 0 || (error as { code?: string }).code === 'TIMEOUT')
    } else if (status === 'blocked') {
      assert.equal(attempts, 0)
      this.#checkPath(i, error as DependencyError)
    } else {
      assert.equal(status, 'cancelled')
      assert.ok(this.asked.has(i) || (!isSettling && statuses.includes('cancelled')))
      await assert.rejects(future.result(), { code: 'CANCELLED' })
    }
  }

  /** The path leads from the task, edge by edge, to one that failed; and the cause is what that one failed with. */
  #checkPath(i: number, error: DependencyError): void {
    assert.ok(error instanceof DependencyError)
    const path = error.path.map(({ id }) => this.futures.findIndex(({ info }) => info.taskId === id))
    assert.equal(path[0], i)
    for (let k = 1; k < path.length; k++)
      assert.ok(this.plans[path[k - 1] as number]?.parents.includes(path[k] as number))
    const root = path.at(-1) as number
    assert.equal(this.futures[root]?.info.status, 'failed')
    if ((error.cause as { code?: string }).code !== 'TIMEOUT') assert.equal(error.cause, this.errors[root])
  }
}

/** The sum of all numbers in a value, whatever their places; of outcomes, those of successes. */
function total(value: unknown): number {
  if (typeof value === 'number') return value
  if (value instanceof Map || value instanceof Set) return total([...value.values()])
  if (Array.isArray(value)) return value.reduce<number>((sum, each) => sum + total(each), 0)
  if (typeof value !== 'object' || value === null || value instanceof Error) return 0
  return 'reason' in value ? 0 : total(Object.values(value))
}

const work = task({ name: 'work' }, (world: World, i: number, ...args: unknown[]) => world.body(i, args))
const settling = task(
  { name: 'settling', onParentFailure: 'settle' },
  (world: World, i: number, ...args: unknown[]) => world.body(i, args) as number,
)

/** An executor of others: has its calls done in any order, and stops every other one when it is asked to. */
class AnyOrder implements Executor {
  readonly #world: World
  #count = 0

  constructor(world: World) {
    this.#world = world
  }

  submit<A extends readonly unknown[], R>(fn: (...args: A) => R, ...args: A): ExecutorFuture<Joined<R>> {
    const world = this.#world
    if (args[0] === world) world.checkParents(args[1] as number)
    const canStop = this.#count++ % 2 === 0
    let entry: Pending | undefined
    let stop!: (error: unknown) => void
    const promise = new Promise<unknown>((resolve, reject) => {
      stop = reject
      entry = { finish: () => resolve(new Promise((settle) => settle(fn(...args)))) }
      world.pending.push(entry)
    })
    const cancel = (): boolean => {
      if (!canStop || entry === undefined || !world.pending.includes(entry)) return false
      world.drop(entry)
      stop(new Error('stopped'))
      return true
    }
    return Object.assign(promise as Promise<Joined<R>>, { cancel })
  }
}

test('any graph, on an executor of others that ends its calls in any order', async () => {
  await fc.assert(
    fc.asyncProperty(scenario, async (given) => {
      const world = new World(given, (self) => new AnyOrder(self), false)
      await world.run()
      await world.check()
    }),
    RUNS,
  )
})

test('any graph, in process, with any number of slots', async () => {
  await fc.assert(
    fc.asyncProperty(scenario, async (given) => {
      const world = new World(given, () => new InProcessExecutor({ concurrency: given.slots }), true)
      await world.run()
      await world.check()
    }),
    RUNS,
  )
})

test('any graph that is shut down with cancelFutures at any moment', async () => {
  await fc.assert(
    fc.asyncProperty(scenario, fc.nat({ max: 10 }), async (given, moment) => {
      const actions = given.actions.slice(0, moment)
      const world = new World({ ...given, actions }, () => new InProcessExecutor({ concurrency: given.slots }), true)
      for (let i = 0; i < world.plans.length; i = world.futures.length) world.submit(i)
      for (let i = 0; i < actions.length; i++) await world.act()
      const before = world.futures.map(({ info }) => info.status)
      let isClosed = false
      world.engine.shutdown({ cancelFutures: true }).then(() => {
        isClosed = true
      })
      for (const [i, status] of before.entries()) {
        if (status === 'waiting' || status === 'ready') expect(world.futures[i]?.cancelled()).toBe(true)
      }
      await world.drain()
      expect(isClosed).toBe(true)
      expect(world.futures.map((future) => future.done())).not.toContain(false)
      expect(world.log.records).toHaveLength(world.plans.length)
      expect(world.running).toBe(0)
    }),
    { ...RUNS, numRuns: 100 },
  )
})

// --- Tasks that submit tasks

interface Tree {
  readonly how: 'await' | 'return' | 'list' | 'all' | 'race' | 'nothing'
  readonly isLabelled: boolean
  readonly children: readonly Tree[]
}

const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.record({
    how: fc.constantFrom('await', 'return', 'list', 'all', 'race', 'nothing'),
    isLabelled: fc.boolean(),
    children: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.constant([]),
      fc.array(tie('tree'), { maxLength: 3, depthIdentifier: 'tree' }),
    ),
  }),
}))

/** How many tasks a tree of tasks counts that waits for its children in this way. */
function sizeOf({ how, children }: Tree): number {
  return how === 'race' || how === 'nothing' ? 1 : 1 + children.reduce((sum, child) => sum + sizeOf(child), 0)
}

const allOf = ({ children }: Tree): number => 1 + children.reduce((sum, child) => sum + allOf(child), 0)

test('any tree of tasks that submit tasks, and wait for them in any way, ends with any number of slots', async () => {
  await fc.assert(
    fc.asyncProperty(tree, fc.constantFrom(1, 2, 3, Infinity), fc.constantFrom(1, 2), async (root, slots, gpus) => {
      const engine = new Engine({
        executor: new InProcessExecutor({ concurrency: slots }),
        limits: { gpu: gpus },
        clock: new ManualClock(),
      })
      const start = (node: Tree): TaskFuture<number> =>
        engine.submit(grow.with(node.isLabelled ? { labels: 'gpu' } : {}), node)
      const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 1)
      const grow = task({ name: 'grow' }, (node: Tree): number | Promise<number> => {
        const futures = node.children.map(start)
        if (node.how === 'nothing') return 1
        if (node.how === 'return')
          return engine.submit((...values: number[]) => sum(values), ...futures) as unknown as number
        return waitFor(node.how, futures)
      })
      const waitFor = async (how: Tree['how'], futures: TaskFuture<number>[]): Promise<number> => {
        if (how === 'all') return sum(await Promise.all(futures))
        if (how === 'list') return sum(await engine.map((value: number) => value, futures))
        if (how === 'race') return futures.length === 0 ? 1 : Promise.race(futures).then(() => 1)
        const values: number[] = []
        for (const future of futures) values.push(await future)
        return sum(values)
      }
      const result = start(root)
      let isClosed = false
      engine.shutdown().then(() => {
        isClosed = true
      })
      await quiet()
      expect(result.done()).toBe(true)
      expect(isClosed).toBe(true)
      expect(await result).toBe(sizeOf(root))
      expect(engine.tasksExecuted).toBeGreaterThanOrEqual(allOf(root))
      expect(engine.graph().nodes.every(({ status }) => status === 'succeeded')).toBe(true)
    }),
    RUNS,
  )
})

// --- Streams

test('a stream over any source gives what a map gives, whatever the window, the order and the timing', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        items: fc.array(fc.option(fc.nat(), { nil: undefined }), { maxLength: 30 }),
        window: fc.integer({ min: 1, max: 8 }),
        slots: fc.constantFrom(1, 2, Infinity),
        ordered: fc.boolean(),
        isAsync: fc.boolean(),
        failsAt: fc.option(fc.nat({ max: 30 }), { nil: undefined }),
        picks: fc.array(fc.nat(), { maxLength: 60 }),
      }),
      async ({ items, window, slots, ordered, isAsync, failsAt, picks }) => {
        await using engine = new Engine({
          executor: new InProcessExecutor({ concurrency: slots }),
          clock: new ManualClock(),
        })
        const pending: Pending[] = []
        let inFlight = 0
        let most = 0
        const body = async (item: { readonly i: number; readonly value: number | undefined }) => {
          most = Math.max(most, ++inFlight)
          await new Promise<void>((finish) => pending.push({ finish }))
          inFlight--
          if (item.i === failsAt) throw new Error('broken')
          return item.value
        }
        async function* slowly(): AsyncGenerator<{ readonly i: number; readonly value: number | undefined }> {
          for (const [i, value] of items.entries()) yield { i, value }
        }
        const source = isAsync ? slowly() : items.map((value, i) => ({ i, value }))
        const values: unknown[] = []
        let outcome = 'open'
        const reader = (async () => {
          for await (const value of engine.stream(body, source, { window, ordered })) values.push(value)
        })().then(
          () => {
            outcome = 'ended'
          },
          () => {
            outcome = 'failed'
          },
        )
        for (let step = 0; await quiet().then(() => pending.length > 0); step++) {
          const [entry] = pending.splice((picks[step] ?? 0) % pending.length, 1)
          entry?.finish()
        }
        expect(outcome).toBe(failsAt !== undefined && failsAt < items.length ? 'failed' : 'ended')
        await reader
        expect(most).toBeLessThanOrEqual(Math.min(window, slots))
        if (outcome === 'ended' && ordered) expect(values).toEqual(items)
        else if (outcome === 'ended') expect(values.toSorted(byText)).toEqual(items.toSorted(byText))
        else if (ordered) expect(values).toEqual(items.slice(0, failsAt))
        else for (const value of values) expect(items).toContain(value)
      },
    ),
    { ...RUNS, numRuns: 200 },
  )
})

function byText(a: unknown, b: unknown): number {
  return String(a) < String(b) ? -1 : 1
}
