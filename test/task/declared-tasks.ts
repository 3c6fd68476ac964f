/** Tasks as users declare them: at the top level of a module of their own. */
import { task } from '../../src/index.ts'

export const square = task(function square(x: number) {
  return x * x
})

export const first = task({ name: 'twin' }, (x: number) => x)
export const second = task({ name: 'twin' }, (x: number) => -x)

export const moved = task({ module: 'https://example.com/tasks.js' }, (x: number) => x)

export const moduleUrl: string = import.meta.url
