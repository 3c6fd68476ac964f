import { task } from 'taps-sdk'
import { transfer } from 'taps-sdk/node'
import { touch } from './functions.mjs'

export const touchAndMove = task(function touchAndMove(bytes) {
  return transfer(touch(bytes))
})
