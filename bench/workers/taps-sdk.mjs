import { task } from 'taps-sdk'
import * as functions from './functions.mjs'

export const noop = task(functions.noop)
export const next = task(functions.next)
export const sum = task(functions.sum)
export const burn = task(functions.burn)
export const touch = task(functions.touch)
export const countWords = task(functions.countWords)
export const hold = task(functions.hold)
