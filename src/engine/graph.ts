import type { TaskStatus } from '../record/record.ts'
import type { Graph } from './history.ts'

const COLOURS: Readonly<Record<TaskStatus, string>> = {
  waiting: '#eeeeee',
  ready: '#fff3bf',
  running: '#d0ebff',
  succeeded: '#d3f9d8',
  failed: '#ffc9c9',
  blocked: '#ffe8cc',
  cancelled: '#dee2e6',
}

/** A graph as a Mermaid flowchart, coloured by status. Parents that the graph has forgotten are left out. */
export function toMermaid(graph: Graph): string {
  const { keys, edges } = layOut(graph)
  const lines = graph.nodes.map(({ id, name, status }) => `  ${keys.get(id)}["${escapeMermaid(name)}"]:::${status}`)
  const used = new Set(graph.nodes.map(({ status }) => status))
  return [
    'flowchart TD',
    ...lines,
    ...edges.map(([from, to]) => `  ${from} --> ${to}`),
    ...[...used].map((status) => `  classDef ${status} fill:${COLOURS[status]},color:#000`),
    '',
  ].join('\n')
}

/** A graph in Graphviz's language, coloured by status. Parents that the graph has forgotten are left out. */
export function toDot(graph: Graph): string {
  const { keys, edges } = layOut(graph)
  const lines = graph.nodes.map(
    ({ id, name, status }) =>
      `  ${keys.get(id)} [label="${escapeDot(name)}", tooltip="${escapeDot(`${id} ${status}`)}", fillcolor="${COLOURS[status]}"]`,
  )
  return [
    'digraph tasks {',
    '  node [shape=box, style="rounded,filled"]',
    ...lines,
    ...edges.map(([from, to]) => `  ${from} -> ${to}`),
    '}',
    '',
  ].join('\n')
}

function layOut(graph: Graph): { keys: ReadonlyMap<string, string>; edges: (readonly [string, string])[] } {
  const keys = new Map(graph.nodes.map(({ id }, i) => [id, `t${i}`] as const))
  const edges = graph.nodes.flatMap(({ id, parents }) =>
    parents.flatMap((parent) => {
      const from = keys.get(parent)
      return from === undefined ? [] : [[from, keys.get(id) as string] as const]
    }),
  )
  return { keys, edges }
}

function escapeMermaid(text: string): string {
  // Mermaid knows HTML entities, and no backslashes.
  return text
    .replaceAll('#', '#35;')
    .replaceAll('"', '#quot;')
    .replaceAll('<', '#lt;')
    .replaceAll('>', '#gt;')
    .replaceAll('`', '#96;')
    .replaceAll(/\s+/g, ' ')
}

function escapeDot(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll(/\s+/g, ' ')
}
