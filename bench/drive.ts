/** How calls are submitted: the same for every library. */

export interface Peer {
  /** Runs one task. */
  submit(i: number): PromiseLike<number>
  /** Submits n tasks at once, and waits for all. */
  all(n: number): PromiseLike<readonly number[]>
}

export const WINDOW = 64

/** Submits tasks with the numbers below n, and adds up their results. */
export type Drive = (peer: Peer, n: number) => Promise<number>

/** Submitted at once; the values come as one array. */
export async function atOnce(peer: Peer, n: number): Promise<number> {
  let sum = 0
  for (const value of await peer.all(n)) sum += value
  return sum
}

/** 64 in flight: the next is submitted as one finishes. */
export async function inWindow(peer: Pick<Peer, 'submit'>, n: number): Promise<number> {
  let next = 0
  let sum = 0
  const lane = async (): Promise<void> => {
    while (next < n) {
      const value = await peer.submit(next++)
      sum += value
    }
  }
  await Promise.all(Array.from({ length: WINDOW }, lane))
  return sum
}
