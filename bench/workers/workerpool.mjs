import workerpool from 'workerpool'
import * as functions from './functions.mjs'

/** @param {Uint8Array} bytes */
function touchAndMove(bytes) {
  return new workerpool.Transfer(functions.touch(bytes), [bytes.buffer])
}

workerpool.worker({ ...functions, touchAndMove })
