import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { constant, Engine, type Graph, InProcessExecutor, task, toDot, toMermaid } from '../../src/index.ts'
import { gate } from '../support/gate.ts'
import { quiet } from '../support/quiet.ts'

const identity = task({ name: 'identity' }, (value: unknown) => value)
const failing = task({ name: 'failing' }, () => {
  throw new Error('broken')
})

// --- What is in it

test('a graph has every task with its id, name, status and parents, oldest first', async () => {
  await using engine = new Engine({ executor: new InProcessExecutor({ concurrency: 1 }) })
  const release = gate()
  const succeeded = engine.submit(task({ name: 'succeeded' }, () => 1))
  const failed = engine.submit(failing)
  const blocked = engine.submit(identity, [failed, succeeded])
  await Promise.allSettled([succeeded, failed, blocked])
  const running = engine.submit(task({ name: 'running' }, () => release.promise))
  const queued = engine.submit(identity, 'queued')
  const waiting = engine.submit(identity, { deep: [running] })
  const cancelled = engine.submit(identity, running)
  cancelled.cancel()
  await quiet()
  const id = (future: { info: { taskId: string } }): string => future.info.taskId
  expect(engine.graph()).toEqual({
    nodes: [
      { id: id(succeeded), name: 'succeeded', status: 'succeeded', parents: [] },
      { id: id(failed), name: 'failing', status: 'failed', parents: [] },
      { id: id(blocked), name: 'identity', status: 'blocked', parents: [id(failed), id(succeeded)] },
      { id: id(running), name: 'running', status: 'running', parents: [] },
      { id: id(queued), name: 'identity', status: 'ready', parents: [] },
      { id: id(waiting), name: 'identity', status: 'waiting', parents: [id(running)] },
      { id: id(cancelled), name: 'identity', status: 'cancelled', parents: [id(running)] },
    ],
  } satisfies Graph)
  release.open()
})

test('a graph does not change any more: a later one does', async () => {
  await using engine = new Engine()
  const future = engine.submit(identity, 1)
  const before = engine.graph()
  await future
  expect(before.nodes.map(({ status }) => status)).toEqual(['ready'])
  expect(engine.graph().nodes.map(({ status }) => status)).toEqual(['succeeded'])
})

test('an engine without tasks has an empty graph', () => {
  expect(new Engine().graph()).toEqual({ nodes: [] })
})

test('a parent that stands twice, or as a view, is named once; promises and constants are not', async () => {
  await using engine = new Engine()
  const parent = engine.submit(identity, { a: [1] })
  const child = engine.submit(
    (..._: unknown[]) => 1,
    parent,
    [parent],
    parent.map(String),
    Promise.resolve(1),
    constant(2),
  )
  await child
  expect(engine.graph().nodes[1]?.parents).toEqual([parent.info.taskId])
})

test('a parent of another engine is named by its id', async () => {
  await using one = new Engine()
  await using two = new Engine()
  const parent = one.submit(identity, 1)
  await two.submit(identity, parent)
  expect(two.graph().nodes[0]?.parents).toEqual([parent.info.taskId])
})

test('it can be had after shutdown', async () => {
  const engine = new Engine()
  engine.submit(identity, 1)
  await engine.shutdown()
  expect(engine.graph().nodes).toHaveLength(1)
})

// --- How much of it

test('the last 1,000 finished tasks are remembered, in the order of submission', async () => {
  await using engine = new Engine()
  const futures = engine.map(
    identity,
    Array.from({ length: 1500 }, (_, i) => i),
  )
  await futures
  const { nodes } = engine.graph()
  expect(nodes.map(({ id }) => id)).toEqual(futures.slice(500).map(({ info }) => info.taskId))
})

test('all unfinished tasks are in it, however many', async () => {
  await using engine = new Engine({ history: 1 })
  const release = gate()
  const root = engine.submit(() => release.promise)
  const waiting = engine.map(
    identity,
    Array.from({ length: 2000 }, () => root),
  )
  expect(engine.graph().nodes).toHaveLength(2001)
  release.open()
  await waiting
  expect(engine.graph().nodes).toHaveLength(1)
})

test('history: 0 remembers none', async () => {
  await using engine = new Engine({ history: 0 })
  await engine.map(identity, [1, 2, 3])
  expect(engine.graph().nodes).toEqual([])
})

test('history says how many are remembered; a parent that is forgotten is still named', async () => {
  await using engine = new Engine({ history: 2 })
  const a = engine.submit(task({ name: 'a' }, identity), 1)
  const b = engine.submit(task({ name: 'b' }, identity), a)
  const c = engine.submit(task({ name: 'c' }, identity), b)
  await c
  expect(engine.graph().nodes.map(({ name, parents }) => [name, parents])).toEqual([
    ['b', [a.info.taskId]],
    ['c', [b.info.taskId]],
  ])
})

test('neither the graph nor the engine keeps arguments, results, errors or futures of finished tasks', () => {
  const program = `
    import { Engine } from ${JSON.stringify(new URL('../../src/index.ts', import.meta.url).href)}
    const engine = new Engine({ recordLogger: { log() {} } })
    const refs = {}
    // Outside of what follows, because a function keeps what is around it.
    const resultOf = ({ result }) => result
    const listOf = (value) => [value]
    const fail = ({ error }) => { throw error }
    async function run() {
      const result = { value: 1 }
      const error = new Error('broken')
      const argument = { result, error }
      const parent = engine.submit(resultOf, argument)
      const child = engine.submit(listOf, parent)
      const failed = engine.submit(fail, argument)
      const blocked = engine.submit(listOf, [failed, argument])
      for (const [name, value] of Object.entries({ argument, result, error, parent, child, failed, blocked }))
        refs[name] = new WeakRef(value)
      await Promise.allSettled([parent, child, failed, blocked])
    }
    await run()
    // A WeakRef holds on until the current job has ended.
    let left = Object.keys(refs)
    for (let i = 0; i < 20 && left.length > 0; i++) {
      await new Promise((resolve) => setImmediate(resolve))
      gc()
      left = left.filter((name) => refs[name].deref() !== undefined)
    }
    console.log(JSON.stringify({ left, nodes: engine.graph().nodes.length }))
  `
  const output = execFileSync(process.execPath, ['--expose-gc', '--input-type=module', '--eval', program], {
    encoding: 'utf8',
  })
  expect(JSON.parse(output)).toEqual({ left: [], nodes: 4 })
})

// --- As text

const SMALL: Graph = {
  nodes: [
    { id: 'x-1', name: 'load', status: 'succeeded', parents: ['forgotten'] },
    { id: 'x-2', name: 'count', status: 'running', parents: ['x-1'] },
    { id: 'x-3', name: 'sum', status: 'waiting', parents: ['x-1', 'x-2'] },
  ],
}

test('toMermaid gives a flowchart, coloured by status; parents that are forgotten are left out', () => {
  expect(toMermaid(SMALL)).toBe(
    [
      'flowchart TD',
      '  t0["load"]:::succeeded',
      '  t1["count"]:::running',
      '  t2["sum"]:::waiting',
      '  t0 --> t1',
      '  t0 --> t2',
      '  t1 --> t2',
      '  classDef succeeded fill:#d3f9d8,color:#000',
      '  classDef running fill:#d0ebff,color:#000',
      '  classDef waiting fill:#eeeeee,color:#000',
      '',
    ].join('\n'),
  )
})

test('toDot gives a digraph, coloured by status; parents that are forgotten are left out', () => {
  expect(toDot(SMALL)).toBe(
    [
      'digraph tasks {',
      '  node [shape=box, style="rounded,filled"]',
      '  t0 [label="load", tooltip="x-1 succeeded", fillcolor="#d3f9d8"]',
      '  t1 [label="count", tooltip="x-2 running", fillcolor="#d0ebff"]',
      '  t2 [label="sum", tooltip="x-3 waiting", fillcolor="#eeeeee"]',
      '  t0 -> t1',
      '  t0 -> t2',
      '  t1 -> t2',
      '}',
      '',
    ].join('\n'),
  )
})

test('an empty graph is a valid one', () => {
  expect(toMermaid({ nodes: [] })).toBe('flowchart TD\n')
  expect(toDot({ nodes: [] })).toMatch(/^digraph tasks \{\n[^}]*\}\n$/)
})

const HOSTILE = [
  'say "hello"',
  'back\\slash',
  'ends with a backslash\\',
  'two\nlines\r\nand\ttabs',
  '"] --> evil["x',
  '"]; evil [label="x',
  '<script>alert(1)</script>',
  '#quot; #35; &amp; &#34;',
  '`markdown` **bold**',
  '\u2028\u2029\u0000',
  '🌍 \u202e',
]

test.each(HOSTILE)('toMermaid keeps the name %j inside of its quotes', (name) => {
  const text = toMermaid({ nodes: [{ id: 'x', name, status: 'ready', parents: [] }] })
  const lines = text.split('\n')
  expect(lines).toHaveLength(4)
  const [, label] = /^ {2}t0\["([^"]*)"\]:::ready$/.exec(lines[1] ?? '') ?? []
  expect(label).toBeDefined()
  expect(label).not.toMatch(/[<>`\n\r\u2028\u2029]/)
  // What Mermaid shows: its entities are #name; or #number;.
  const shown = (label ?? '').replaceAll(/#(\w+);/g, (_, code) =>
    code === 'quot' ? '"' : code === 'lt' ? '<' : code === 'gt' ? '>' : String.fromCharCode(Number(code)),
  )
  expect(shown).toBe(name.replaceAll(/\s+/g, ' '))
})

test.each(HOSTILE)('toDot keeps the name %j inside of its quotes', (name) => {
  const text = toDot({ nodes: [{ id: 'x', name, status: 'ready', parents: [] }] })
  const line = text.split('\n')[2] ?? ''
  const match = /^ {2}t0 \[label=("(?:[^"\\]|\\.)*"), tooltip="(?:[^"\\]|\\.)*", fillcolor="#[0-9a-f]{6}"\]$/.exec(line)
  expect(match).not.toBeNull()
  const shown = (match?.[1] ?? '""').slice(1, -1).replaceAll(/\\(.)/g, '$1')
  expect(shown).toBe(name.replaceAll(/\s+/g, ' '))
})
