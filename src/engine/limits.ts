import { type Clock, MAX_DELAY } from '../clock.ts'
import { ConfigError } from '../errors.ts'
import { Fifo } from '../fifo.ts'
import { checkOptions, describe } from '../options.ts'

/** What tasks with a label may use together. */
export interface LimitOptions {
  /** How many may run at the same time, by weight: a whole number above 0. */
  readonly slots?: number | undefined
  /** How many may start in any period of one second, by weight: a number above 0; 0.5 is one in two seconds, 1.5 is one in any. */
  readonly perSecond?: number | undefined
}

/** Limits by label: slots, or slots and a rate. */
export type LimitsOptions = Readonly<Record<string, number | LimitOptions>>

/** One limit: refuses what is too much now, and says when there is room again. */
interface Limit {
  readonly label: string
  /** The largest weight that it can ever grant. */
  readonly most: number
  hasRoom(weight: number): boolean
  take(weight: number): void
  giveBack(weight: number): void
  /** Sets no timer any more. */
  close(): void
}

class Slots implements Limit {
  readonly label: string
  readonly most: number
  /** How many bodies that lent theirs wait to have them again. */
  returning = 0
  #used = 0
  #holders = 0

  constructor(label: string, slots: number) {
    this.label = label
    this.most = slots
  }

  hasRoom(weight: number): boolean {
    return this.#used + weight <= this.most || this.#holders === 0
  }

  take(weight: number): void {
    this.#holders++
    this.#used += weight
  }

  giveBack(weight: number): void {
    this.#holders--
    // Exactly nothing when nobody holds any: fractions do not add up to what they were made of.
    this.#used = this.#holders === 0 ? 0 : this.#used - weight
  }

  close(): void {}
}

/** A sliding window: whatever second one looks at, no more than the rate has started in it. */
class Rate implements Limit {
  readonly label: string
  readonly most: number
  readonly #window: number
  readonly #clock: Clock
  readonly #onRoom: () => void
  readonly #starts: Fifo<{ readonly time: number; readonly weight: number }> = new Fifo()
  #oldest: { readonly time: number; readonly weight: number } | undefined
  #used = 0
  #timer: unknown

  constructor(label: string, perSecond: number, clock: Clock, onRoom: () => void) {
    this.label = label
    this.most = Math.max(perSecond, 1)
    this.#window = perSecond < 1 ? 1000 / perSecond : 1000
    this.#clock = clock
    this.#onRoom = onRoom
  }

  hasRoom(weight: number): boolean {
    if (this.#used === 0) return true
    this.#forgetOld(this.#clock.now())
    if (this.#used + weight <= this.most) return true
    this.#callBack()
    return false
  }

  take(weight: number): void {
    const start = { time: this.#clock.now(), weight }
    this.#used += weight
    if (this.#oldest === undefined) this.#oldest = start
    else this.#starts.push(start)
  }

  /** What has started has started. */
  giveBack(): void {}

  #forgetOld(now: number): void {
    while (this.#oldest !== undefined && this.#oldest.time + this.#window <= now) {
      const { weight } = this.#oldest
      this.#oldest = this.#starts.shift()
      this.#used = this.#oldest === undefined ? 0 : this.#used - weight
    }
  }

  #callBack(): void {
    if (this.#timer !== undefined || this.#oldest === undefined) return
    this.#timer = this.#clock.setTimeout(
      () => {
        this.#timer = undefined
        this.#onRoom()
      },
      // Rounded up, because timers may fire a fraction early. One that is cut short looks again.
      Math.min(Math.ceil(this.#oldest.time + this.#window - this.#clock.now()), MAX_DELAY),
    )
  }

  close(): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer)
  }
}

/** The limits that the labels of a task come under, with its weights: one object for all tasks with the same ones. */
export interface Share {
  readonly key: string
  readonly parts: readonly { readonly limit: Limit; readonly weight: number }[]
}

/** All limits of an engine. A call takes its share as it starts, all or nothing. */
export class Limits {
  readonly #byLabel: Map<string, Limit[]> = new Map()
  readonly #shares: Map<string, Share> = new Map()
  /** Bodies that gave their share away while they waited, and go on; by share. */
  readonly #returning: Map<Share, Fifo<() => void>> = new Map()
  readonly #onRoom: () => void

  /** @param onRoom - called when calls that were refused may be granted now */
  constructor(options: LimitsOptions, clock: Clock, onRoom: () => void) {
    this.#onRoom = onRoom
    const room = (): void => this.#tellRoom()
    for (const [label, limit] of Object.entries(options)) {
      const { slots, perSecond } = checkLimit(label, limit)
      const limits: Limit[] = []
      if (slots !== undefined) limits.push(new Slots(label, slots))
      if (perSecond !== undefined) limits.push(new Rate(label, perSecond, clock, room))
      this.#byLabel.set(label, limits)
    }
  }

  /** Nothing waits for a limit any more. */
  close(): void {
    for (const limits of this.#byLabel.values()) for (const limit of limits) limit.close()
  }

  /** Whether there is any limit. */
  get exist(): boolean {
    return this.#byLabel.size > 0
  }

  /** The share of a task; undefined if no limit concerns it. @throws ConfigError if a weight is above its limit */
  share(labels: Readonly<Record<string, number>> | undefined, task: string): Share | undefined {
    if (labels === undefined || !this.exist) return undefined
    const parts: { limit: Limit; weight: number }[] = []
    for (const label of Object.keys(labels).sort()) {
      const weight = labels[label] as number
      for (const limit of this.#byLabel.get(label) ?? []) {
        if (weight > limit.most) {
          throw new ConfigError(
            `Task ${task} has the weight ${weight} for the label ${label}, above its limit of ${limit.most}: it could never run`,
          )
        }
        parts.push({ limit, weight })
      }
    }
    if (parts.length === 0) return undefined
    const key = JSON.stringify(parts.map(({ limit, weight }) => [limit.label, weight]))
    const known = this.#shares.get(key)
    if (known !== undefined) return known
    const share = { key, parts }
    this.#shares.set(key, share)
    return share
  }

  /**
   * Takes a share if there is room.
   * @param reserved - labels that an older call waits for, which this one must not overtake; gets those that are lacking
   */
  tryTake(share: Share, reserved: Set<string>): boolean {
    let isFree = true
    for (const { limit, weight } of share.parts) {
      if ((limit instanceof Slots && limit.returning > 0) || !limit.hasRoom(weight)) {
        reserved.add(limit.label)
        isFree = false
      } else if (reserved.has(limit.label)) isFree = false
    }
    if (isFree) for (const { limit, weight } of share.parts) limit.take(weight)
    return isFree
  }

  giveBack(share: Share): void {
    for (const { limit, weight } of share.parts) limit.giveBack(weight)
    this.#tellRoom()
  }

  /** Takes a share again that was lent, before any new call does, and goes on. */
  reclaim(share: Share, goOn: () => void): void {
    const waiting = this.#returning.get(share) ?? new Fifo()
    this.#returning.set(share, waiting)
    waiting.push(goOn)
    for (const { limit } of slotsOf(share)) limit.returning++
    this.#serveReturning()
  }

  #tellRoom(): void {
    this.#serveReturning()
    this.#onRoom()
  }

  #serveReturning(): void {
    for (const [share, waiting] of this.#returning) {
      const slots = slotsOf(share)
      while (waiting.size > 0 && slots.every(({ limit, weight }) => limit.hasRoom(weight))) {
        for (const { limit, weight } of slots) {
          limit.take(weight)
          limit.returning--
        }
        waiting.shift()?.()
      }
      if (waiting.size === 0) this.#returning.delete(share)
    }
  }
}

/** The part of a share that a body takes again after it waited: the rate was paid at the start. */
function slotsOf({ parts }: Share): { readonly limit: Slots; readonly weight: number }[] {
  return parts.flatMap(({ limit, weight }) => (limit instanceof Slots ? [{ limit, weight }] : []))
}

function checkLimit(label: string, limit: number | LimitOptions): LimitOptions {
  const options: unknown = typeof limit === 'number' ? { slots: limit } : limit
  checkOptions(`The limit of ${JSON.stringify(label)}`, options, {
    slots: (value) => (Number.isInteger(value) && (value as number) > 0 ? undefined : 'a whole number above 0'),
    perSecond: (value) => (Number.isFinite(value) && (value as number) > 0 ? undefined : 'a number above 0'),
  })
  const { slots, perSecond } = options as LimitOptions
  if (slots === undefined && perSecond === undefined) {
    throw new ConfigError(`The limit of ${JSON.stringify(label)} takes slots, or { perSecond }, not ${describe(limit)}`)
  }
  return { slots, perSecond }
}
