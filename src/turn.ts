/**
 * When things happen. Nothing that a user wrote (a body, a callback, a listener, a logger) runs inside of `submit` or
 * `cancel`: it waits for a turn, which is one microtask. A turn hands over notices of what has happened, in order, and
 * lets each pump start what is ready, until there is nothing left.
 */
import { lastReading } from './clock.ts'
import { Fifo } from './fifo.ts'
import { beginJob, outside } from './task/task-context.ts'

/** Something to tell: calls user code, and contains what that throws. */
export interface Notice {
  deliver(): void
}

/** Something that may have calls to start. */
export interface Pump {
  /** Whether it is to be pumped already; kept by `wake`. */
  isAwake: boolean
  pump(): void
}

/** How long turns may keep the event loop from timers and I/O, in ms. */
const PATIENCE = 20

const notices = new Fifo<Notice>()
const pumps = new Fifo<Pump>()
let scheduled = false
/** The event loop has not had its turn since `began`. */
let bursting = false
let began = 0
let overtime = false

// Taken now, so that a test's fake timers do not stop the engine.
const { setImmediate, setTimeout } = globalThis as unknown as Record<string, ((fn: () => void) => void) | undefined>
/** Starts a turn in a microtask. */
let fire = arm()
const nextTask = setImmediate ?? setTimeout ?? queueMicrotask

/**
 * A turn runs in the async context in which it was armed: that of the turn before, never that of whoever asks for it.
 * Besides, this costs a third of `queueMicrotask`, for which Node makes an AsyncResource.
 */
function arm(): () => void {
  let fire = (): void => {}
  void new Promise<void>((resolve) => {
    fire = resolve
  }).then(turn)
  return fire
}

function schedule(): void {
  if (scheduled) return
  scheduled = true
  fire()
}

/** Tells it in the next turn, or in this one. */
export function notify(notice: Notice): void {
  notices.push(notice)
  schedule()
}

/** Lets the pump start calls in the next turn, or in this one. */
export function wake(pump: Pump): void {
  if (pump.isAwake) return
  pump.isAwake = true
  pumps.push(pump)
  schedule()
}

/** Tells all there is to tell. */
export function deliverNotices(): void {
  // Outside of the body that was started last.
  if (notices.size > 0) outside(deliverAll)
}

function deliverAll(): void {
  for (let notice = notices.shift(); notice !== undefined; notice = notices.shift()) notice.deliver()
}

/**
 * Whether timers and I/O have waited long enough. A pump that is told so stops; it is called again after them. To be asked
 * after a call was started, which looks at the clock; a virtual clock lets nobody wait.
 */
export function isOvertime(): boolean {
  if (!bursting) {
    bursting = true
    began = lastReading
    nextTask(endBurst)
  } else if (lastReading - began > PATIENCE) {
    overtime = true
  }
  return overtime
}

function endBurst(): void {
  bursting = false
  if (!overtime) return
  overtime = false
  if (!scheduled) schedule()
}

function turn(): void {
  beginJob()
  fire = arm()
  try {
    run()
  } catch (error) {
    // As an exception, not as a rejection: a fault of this library is nobody's promise.
    queueMicrotask(() => {
      throw error
    })
  }
}

function run(): void {
  try {
    deliverNotices()
    for (let pump = nextPump(); pump !== undefined; pump = nextPump()) {
      pump.pump()
      deliverNotices()
    }
  } finally {
    scheduled = false
    // A fault of one must not stop the others: they go on in another turn.
    if (notices.size > 0 || (pumps.size > 0 && !overtime)) schedule()
  }
}

function nextPump(): Pump | undefined {
  const pump = overtime ? undefined : pumps.shift()
  if (pump !== undefined) pump.isAwake = false
  return pump
}
