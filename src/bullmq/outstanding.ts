import type { PackJob } from './jobs.ts'

/** A pack on its way. */
export interface Outstanding extends PackJob {
  isAdded: boolean
  /** Its answer is being fetched. */
  isEnding: boolean
  isCancelled: boolean
  /** When something was last heard of it. */
  heardAt: number
  /** Messages for whoever runs it. */
  readonly aborts: Buffer[]
}
