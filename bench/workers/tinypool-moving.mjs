import { Tinypool } from 'tinypool'
import { touch } from './functions.mjs'

/** @param {Uint8Array} bytes */
export function touchAndMove(bytes) {
  return Tinypool.move(touch(bytes))
}
