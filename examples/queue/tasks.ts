// All that a worker imports: it is started with this module.
import { task } from 'taps-sdk'

/** How many primes there are from `first` on, before `end`. */
export const countPrimes = task({ name: 'countPrimes', retries: 2 }, (first: number, end: number): number => {
  let primes = 0
  for (let n = Math.max(first, 2); n < end; n++) if (isPrime(n)) primes++
  return primes
})

export const add = task({ name: 'add' }, (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0))

function isPrime(n: number): boolean {
  for (let divisor = 2; divisor * divisor <= n; divisor++) if (n % divisor === 0) return false
  return true
}
