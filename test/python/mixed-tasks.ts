import { task } from '../../src/index.ts'
import { type NdArray, ndArray } from '../../src/python/index.ts'

const here = { module: import.meta.url }

export const square = task({ ...here, name: 'square' }, (x: number) => x * x)

export const ramp = task({ ...here, name: 'ramp' }, (length: number) => Float64Array.from({ length }, (_, i) => i))

export const matrix = task({ ...here, name: 'matrix' }, () => ndArray(new Float64Array([2, 0, 0, 4]), [2, 2]))

export const trace = task({ ...here, name: 'trace' }, ({ data, shape }: NdArray) => {
  let sum = 0
  for (let i = 0; i < (shape[0] ?? 0); i++) sum += Number(data[i * (shape[1] ?? 0) + i])
  return sum
})

export const sizeOf = task({ ...here, name: 'sizeOf' }, (bytes: Uint8Array) => bytes.length)

export const die = task({ ...here, name: 'die' }, () => {
  console.error('about to die')
  process.kill(process.pid, 'SIGKILL')
})

export const forever = task({ ...here, name: 'forever' }, () => {
  for (;;);
})

export const say = task({ ...here, name: 'say' }, (text: string) => console.log(text))
