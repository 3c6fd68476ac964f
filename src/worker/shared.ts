/** What all copies of this library in one process share: the client may have loaded several, and a worker has at least two. */
interface Shared {
  /** What `transfer()` marked. */
  readonly marked: WeakSet<object>
  /** Ports that moved. Sending one a second time would fail for all that goes with it. */
  readonly gone: WeakSet<object>
  /** The superjson modules in use: that of this library, that of the user's tasks. */
  readonly superjsons: Set<unknown>
  /** The error classes by name, of the copy that users' modules import; that copy leaves them here. */
  errorClasses?: Readonly<Record<string, unknown>>
}

const SHARED = Symbol.for('taps-sdk.shared')

/** The one of this process. */
export function shared(): Shared {
  const holder = globalThis as { [SHARED]?: Shared }
  holder[SHARED] ??= { marked: new WeakSet(), gone: new WeakSet(), superjsons: new Set() }
  return holder[SHARED]
}
