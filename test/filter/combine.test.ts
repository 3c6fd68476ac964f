import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { always, and, never, not, or } from '../../src/filter/combine.ts'
import type { Filter } from '../../src/filter/filter.ts'
import { objectSize } from '../../src/filter/object-size.ts'
import { objectType } from '../../src/filter/object-type.ts'
import { argument, taskName } from '../../src/filter/place.ts'
import { recipeOf } from '../../src/plugin.ts'
import { HERE, madeAgain, RESULT } from './support.ts'

const isString: Filter = (value) => typeof value === 'string'

describe('never and always', () => {
  test.each([undefined, null, 0, '', 'text', {}, new Uint8Array(1e6)])('answer without looking at %o', (value) => {
    expect([never()(value, HERE), always()(value, HERE)]).toEqual([false, true])
    expect([never()(value, RESULT), always()(value, RESULT)]).toEqual([false, true])
  })

  test('are made again by workers', async () => {
    expect((await madeAgain(never()))(1, HERE)).toBe(false)
    expect((await madeAgain(always()))(1, HERE)).toBe(true)
  })
})

describe('and, or, not', () => {
  test('an empty and is true, an empty or false', () => {
    expect(and()(1, HERE)).toBe(true)
    expect(or()(1, HERE)).toBe(false)
  })

  test('say what every, some and ! say, of filters and of filters made of them', () => {
    const verdicts = fc.array(fc.boolean(), { maxLength: 6 })
    fc.assert(
      fc.property(verdicts, verdicts, (first, second) => {
        const filters = (list: boolean[]) => list.map((verdict) => (verdict ? always() : never()))
        const every = first.every(Boolean)
        const some = second.some(Boolean)
        const [all, any] = [and(...filters(first)), or(...filters(second))]
        expect(all(1, HERE)).toBe(every)
        expect(any(1, HERE)).toBe(some)
        expect(not(all)(1, HERE)).toBe(!every)
        expect(and(all, not(any))(1, HERE)).toBe(every && !some)
        expect(or(not(all), any)(1, HERE)).toBe(!every || some)
      }),
    )
  })

  test('ask no further than they have to', () => {
    const asked: string[] = []
    const says =
      (name: string, answer: boolean): Filter =>
      () => {
        asked.push(name)
        return answer
      }
    and(says('yes', true), says('no', false), says('more', true))(1, HERE)
    expect(asked.splice(0)).toEqual(['yes', 'no'])
    or(says('no', false), says('yes', true), says('more', false))(1, HERE)
    expect(asked).toEqual(['no', 'yes'])
  })

  test('hand on the value and where it stands', () => {
    const seen: unknown[] = []
    const spy: Filter = (...args) => seen.push(args) > 0
    and(or(not(spy)), spy)('value', RESULT)
    and(spy)('value', RESULT)
    expect(seen).toEqual([
      ['value', RESULT],
      ['value', RESULT],
    ])
  })

  test('are made again by workers, with all that is inside', async () => {
    const nested = and(or(objectType(Uint8Array), taskName(/^text/)), not(argument(1)), objectSize({ minBytes: 3 }))
    const again = await madeAgain(nested)
    for (const value of ['te', 'text', new Uint8Array(2), new Uint8Array(3)]) {
      for (const task of ['texts', 'bytes']) {
        for (const index of [0, 1]) {
          const where = { task, kind: 'argument', index } as const
          expect(again(value, where)).toBe(nested(value, where))
        }
      }
    }
    expect(again(new Uint8Array(3), HERE)).toBe(true)
    expect(again('text', HERE)).toBe(false)
  })

  test('take plain functions, for this process', () => {
    expect([and(isString)('x', HERE), or(isString)(1, HERE), not(isString)(1, HERE)]).toEqual([true, false, true])
  })

  test.each([and(always(), isString), or(isString), not(isString), and(or(not(isString)))])(
    'with a plain function inside workers cannot make them, which the error says',
    (filter) => {
      expect(() => recipeOf(filter, 'filter')).toThrow(
        expect.objectContaining({ code: 'CONFIG', message: expect.stringContaining('a function') }),
      )
    },
  )

  test('refuse what is no filter, and say which one', () => {
    const wrong = { minBytes: 3 } as never
    expect(() => and(always(), wrong)).toThrow('and takes filters, and argument 1 is an object')
    expect(() => or(undefined as never)).toThrow('or takes filters, and argument 0 is undefined')
    expect(() => not(true as never)).toThrow(expect.objectContaining({ name: 'ConfigError' }))
  })
})
