// Tasks in TypeScript, which a Node that cannot run it needs tsx for: an import that ends in .js and means .ts, and an enum.
import { task } from 'taps-sdk'
import { factor } from './factor.js'

enum Unit {
  One = 1,
}

export const double = task((x: number): number => factor * x * Unit.One)
