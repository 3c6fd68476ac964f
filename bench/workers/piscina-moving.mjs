import { move } from 'piscina'
import { touch } from './functions.mjs'

/** @param {Uint8Array} bytes */
export function touchAndMove(bytes) {
  return move(touch(bytes))
}
