import type { Backend, BackendListener, OutgoingPack } from '../../../src/executor/packs/backend.ts'
import { PackExecutor, type PackKind } from '../../../src/executor/packs/pack-executor.ts'
import { check } from '../../../src/executor/pool/shipping.ts'
import { HOST, NOTHING, PACKED, RESULTS, VALUE } from '../../../src/worker/protocol.ts'

/** A back end that does what a test says, and nothing else. */
export class FakeBackend implements Backend {
  readonly sent: OutgoingPack[] = []
  readonly cancelled: number[] = []
  readonly aborted: (readonly [id: number, position: number])[] = []
  /** Settle them: they are waited for. */
  readonly warmups: { readonly resolve: () => void; readonly reject: (error: unknown) => void }[] = []
  starts = 0
  closes = 0
  isHeld = false
  /** What `send` throws. */
  refusal: unknown = undefined
  readonly #slots: number
  #listener: BackendListener | undefined
  #onSend: (() => void)[] = []

  /** @param slots - that it tells as soon as it is started; 0: the test tells */
  constructor(slots: number) {
    this.#slots = slots
  }

  /** What it tells. */
  get tell(): BackendListener {
    return this.#listener as BackendListener
  }

  start(listener: BackendListener): void {
    this.starts++
    this.#listener = listener
    if (this.#slots > 0) listener.slots(this.#slots)
  }

  send(pack: OutgoingPack): void {
    if (this.refusal !== undefined) throw this.refusal
    this.sent.push(pack)
    for (const resolve of this.#onSend.splice(0)) resolve()
  }

  cancel(id: number): void {
    this.cancelled.push(id)
  }

  abort(id: number, position: number): void {
    this.aborted.push([id, position])
  }

  hold(isHeld: boolean): void {
    this.isHeld = isHeld
  }

  warmup(): Promise<void> {
    return new Promise((resolve, reject) => this.warmups.push({ resolve, reject }))
  }

  async close(): Promise<void> {
    this.closes++
  }

  /** The pack with this number, from 1, once it was sent. */
  async pack(id: number): Promise<OutgoingPack> {
    for (;;) {
      const pack = this.sent.find((each) => each.id === id)
      if (pack !== undefined) return pack
      await new Promise<void>((resolve) => this.#onSend.push(resolve))
    }
  }

  frame(id: number, ...message: unknown[]): void {
    this.tell.frames(id, JSON.stringify(message), [])
  }

  host(id: number): void {
    this.frame(id, HOST, 'far-away', 'process 4711')
  }

  /** Each value took 10 µs. */
  results(id: number, first: number, values: readonly unknown[], base = Date.now()): void {
    const list = values.flatMap((value, i) => [value === undefined ? NOTHING : VALUE, (i + 1) * 10, value ?? 0])
    this.frame(id, RESULTS, 0, first, base, list)
  }

  answered(id: number): void {
    this.frame(id, PACKED)
    this.tell.ended(id, { kind: 'answered' })
  }

  /** Answers all calls with their first arguments. */
  echo(pack: OutgoingPack): void {
    this.host(pack.id)
    this.results(
      pack.id,
      0,
      argsOf(pack).map(([value]) => value),
    )
    this.answered(pack.id)
  }
}

/** The arguments of all calls of a pack. */
export function argsOf({ text }: OutgoingPack): readonly (readonly unknown[])[] {
  const calls = JSON.parse(text)[2] as unknown[]
  return calls.filter((_, i) => i % 4 === 3) as unknown[][]
}

/** An executor on such a back end. */
export class FakePacks extends PackExecutor {
  readonly backend: FakeBackend

  constructor(slots = 1) {
    const backend = new FakeBackend(slots)
    const kind: PackKind = {
      name: 'FakePacks',
      backend,
      killAfter: 1000,
      foreign: undefined,
      abroad: undefined,
      outputFile: undefined,
      check,
    }
    super(kind)
    this.backend = backend
  }
}
