/**
 * What all copies of this library share that a thread has loaded: the client may have several, and a worker has two at
 * least, that of its program and that of its tasks.
 */
interface Shared {
  /** Tasks by module, in the order in which the module declares them. */
  readonly modules: Map<string, unknown[]>
  /** What makes plug-ins, by name and module; see `plugin.ts`. */
  readonly plugins: Map<string, (options: unknown) => object>
  /** Whether this is a worker. */
  isWorker?: boolean
  /** Which body runs; see `task-context.ts`. */
  storage?: unknown
  /** What `workerResource` made here. */
  readonly resources: Set<{ dispose(): unknown }>
  /** What `transfer()` marked. */
  readonly marked: WeakSet<object>
  /** Ports that were moved away. */
  readonly gone: WeakSet<object>
  /** The superjson modules in use: that of this library, that of the user's tasks. */
  readonly superjsons: Set<unknown>
  /** The error classes by name, of the copy that declared a task last: `instanceof` has to hold for who declares tasks. */
  errorClasses?: Readonly<Record<string, unknown>>
}

const SHARED = Symbol.for('taps-sdk.registry')

/** The one of this thread. */
export function shared(): Shared {
  const holder = globalThis as { [SHARED]?: Shared }
  holder[SHARED] ??= {
    modules: new Map(),
    plugins: new Map(),
    resources: new Set(),
    marked: new WeakSet(),
    gone: new WeakSet(),
    superjsons: new Set(),
  }
  return holder[SHARED]
}
