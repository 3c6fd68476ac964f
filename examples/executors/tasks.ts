// In a module of their own, because workers import it.
import { task } from 'taps-sdk'

export const square = task(function square(x: number): number {
  return x * x
})

export const sum = task(function sum(xs: readonly number[]): number {
  return xs.reduce((a, b) => a + b, 0)
})
