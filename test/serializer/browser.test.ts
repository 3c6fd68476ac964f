import { fileURLToPath } from 'node:url'
import { createContext, runInContext } from 'node:vm'
import { build } from 'esbuild'
import { beforeAll, describe, expect, test } from 'vitest'
import { deserialize } from '../../src/serializer/serializer.ts'
import { bytesOf } from './support.ts'

const SOURCE = fileURLToPath(new URL('../../src/serializer/serializer.ts', import.meta.url))

/** What every browser has, and nothing of Node. */
const page = createContext({ TextEncoder, TextDecoder, URL, DOMException })

function run<R>(script: string, inputs: object = {}): R {
  return runInContext(`(() => { with (inputs) { ${script} } })()`, Object.assign(page, { inputs })) as R
}

beforeAll(async () => {
  const { outputFiles } = await build({
    entryPoints: [SOURCE],
    bundle: true,
    write: false,
    format: 'iife',
    globalName: 'taps',
    platform: 'browser',
    logLevel: 'error',
  })
  runInContext(outputFiles[0]?.text ?? '', page)
})

describe('where there is no Node', () => {
  test('a value comes back', () => {
    const back = run<string>(`
      const value = { list: [1n, undefined, new Map([[new Date(5), /x/g]])], bytes: Uint8Array.of(1, 2), error: new RangeError('no') }
      value.self = value
      const [chunk] = taps.serialize(value)
      const back = taps.deserialize(chunk)
      return [back.self === back, back.list[0], [...back.list[2].keys()][0].getTime(), back.bytes.join(), back.error instanceof RangeError].join()
    `)
    expect(back).toBe('true,1,5,1,2,true')
  })

  test('the bytes are those that Node writes, and Node reads them', () => {
    const value = { text: 'ä', when: new Date(1), bytes: Uint8Array.of(7) }
    const frame = run<Uint8Array>(`
      return taps.serialize({ text: 'ä', when: new Date(1), bytes: Uint8Array.of(7) })[0]
    `)
    expect(Buffer.from(frame)).toEqual(Buffer.from(bytesOf(value)))
    expect(deserialize(new Uint8Array(frame))).toEqual(value)
  })

  test('a Buffer of Node is a Uint8Array', () => {
    const frame = bytesOf(Buffer.from('abc'))
    expect(run<string>('return taps.deserialize(frame).join()', { frame })).toBe('97,98,99')
  })

  test('damage is noticed, and what cannot be written is refused', () => {
    expect(run<string>('try { taps.deserialize(new Uint8Array(99)) } catch (error) { return error.code }')).toBe(
      'SERIALIZATION',
    )
    expect(run<string>('try { taps.serialize([Promise.resolve()]) } catch (error) { return error.message }')).toContain(
      'value[0] is a Promise, which cannot be serialized: await it first',
    )
  })
})
