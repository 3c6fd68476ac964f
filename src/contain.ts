/** Runs what a user registered. What it throws, or rejects with later, goes to `report` and changes nothing. */
export function contain(fn: () => unknown, report: (error: unknown) => void): void {
  try {
    const result = fn()
    if (result instanceof Promise) result.catch(report)
  } catch (error) {
    report(error)
  }
}
