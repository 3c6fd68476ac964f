import fc from 'fast-check'
import { test } from 'vitest'
import { deserialize } from '../../src/serializer/serializer.ts'
import { anyValue, bytesOf, expectSame, readOrRefused, resealed, roundTrip } from './support.ts'

const SEED = 20_261_121

test('whatever is written comes back equal, with what is shared in it', () => {
  fc.assert(
    fc.property(anyValue, (value) => expectSame(roundTrip(value), value)),
    { seed: SEED, numRuns: 3_000 },
  )
})

test('whatever is written can share memory when it is read', () => {
  fc.assert(
    fc.property(anyValue, (value) => expectSame(roundTrip(value, { share: true }), value)),
    { seed: SEED, numRuns: 1_000 },
  )
})

test('random damage under a right checksum gives a value or an error of one class', () => {
  const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 })
  fc.assert(
    fc.property(anyValue, damage, fc.boolean(), (value, changes, share) => {
      const frame = bytesOf(value)
      for (const [at, byte] of changes) frame[at % frame.length] = byte
      readOrRefused(resealed(frame), { share })
    }),
    { seed: SEED, numRuns: 3_000 },
  )
})

test('bytes that are nothing at all give an error of one class', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      readOrRefused(bytes)
      readOrRefused(
        resealed(
          new Uint8Array([...'TAPS'].map((it) => it.charCodeAt(0)).concat([0, 0, 0, 0, 1, 1, 254, 0], [...bytes])),
        ),
      )
    }),
    { seed: SEED, numRuns: 3_000 },
  )
})

test('what JSON says all about is JSON', () => {
  fc.assert(
    fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
      expectSame(deserialize(bytesOf(value, { checksum: false })), value)
    }),
    { seed: SEED, numRuns: 500 },
  )
})
