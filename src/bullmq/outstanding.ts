import type { PackJob } from './jobs.ts'

/** A pack on its way. */
export interface Outstanding extends PackJob {
  isAdded: boolean
  /** Its answer is being fetched. */
  isEnding: boolean
  isCancelled: boolean
  /** When something was last heard of it. */
  heardAt: number
  /** How often something of its answer was told before its end. */
  told: number
  /** Called when it is told more. */
  onTold: (() => void) | undefined
  /** Messages for whoever runs it. */
  readonly aborts: Buffer[]
}
