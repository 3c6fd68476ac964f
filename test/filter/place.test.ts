import { describe, expect, test } from 'vitest'
import { argument, taskName } from '../../src/filter/place.ts'
import { HERE, madeAgain, RESULT } from './support.ts'

const at = (index: number) => ({ ...HERE, index })
const of = (task: string) => ({ ...HERE, task })

describe('argument', () => {
  test('with a position passes that argument of every task, whatever it is', async () => {
    for (const filter of [argument(1), await madeAgain(argument(1))]) {
      expect([0, 1, 2].map((index) => filter('value', at(index)))).toEqual([false, true, false])
      expect(filter(undefined, { ...of('another'), index: 1 })).toBe(true)
    }
    expect(argument(0)('value', HERE)).toBe(true)
  })

  test('with a key passes plain objects that have it, wherever they stand', async () => {
    for (const filter of [argument('data'), await madeAgain(argument('data'))]) {
      expect(filter({ data: undefined }, at(3))).toBe(true)
      expect(filter(Object.assign(Object.create(null), { data: 1 }), HERE)).toBe(true)
      expect(filter({ other: 1 }, HERE)).toBe(false)
    }
  })

  test.each([
    ['what inherits it', Object.create({ data: 1 })],
    [
      'an instance of a class',
      new (class Options {
        data = 1
      })(),
    ],
    ['a list', Object.assign([], { data: 1 })],
    ['a Map', new Map([['data', 1]])],
    ['a text', 'data'],
    ['null', null],
    ['undefined', undefined],
  ])('with a key does not pass %s', (_, value) => {
    expect(argument('data')(value, HERE)).toBe(false)
  })

  test('a key may be any text, also one that every object inherits, or a number as text', () => {
    expect(argument('toString')({}, HERE)).toBe(false)
    expect(argument('')({ '': 1 }, HERE)).toBe(true)
    expect(argument('0')('value', HERE)).toBe(false)
    expect(argument('0')({ 0: 1 }, at(5))).toBe(true)
  })

  test('never passes the result', () => {
    expect(argument(0)('value', { ...RESULT, index: 0 })).toBe(false)
    expect(argument('data')({ data: 1 }, RESULT)).toBe(false)
  })

  test.each([-1, 1.5, Number.NaN, Infinity, undefined, null, {}, Symbol.iterator])('refuses %o', (wrong) => {
    expect(() => argument(wrong as never)).toThrow(
      expect.objectContaining({ code: 'CONFIG', message: expect.stringContaining('argument takes the position') }),
    )
  })
})

describe('taskName', () => {
  test('passes the arguments and the result of the task of that name', async () => {
    for (const filter of [taskName('work'), await madeAgain(taskName('work'))]) {
      expect([filter(1, HERE), filter(1, at(9)), filter(1, RESULT)]).toEqual([true, true, true])
      expect(['wor', 'works', 'Work', ''].map((task) => filter(1, of(task)))).toEqual([false, false, false, false])
    }
  })

  test('takes several names, and regular expressions, which are searched', async () => {
    const filter = taskName('a.b', /^train/i, /eval$/g)
    for (const it of [filter, await madeAgain(filter)]) {
      const names = ['a.b', 'axb', 'TRAINING', 'retrain', 'my-eval', 'my-eval', 'evaluate']
      expect(names.filter((task) => it(1, of(task)))).toEqual(['a.b', 'TRAINING', 'my-eval', 'my-eval'])
    }
  })

  test('without names passes nothing', () => {
    expect(taskName()(1, HERE)).toBe(false)
  })

  test.each([1, null, undefined, ['work'], () => 'work'])('refuses %o', (wrong) => {
    expect(() => taskName('work', wrong as never)).toThrow(
      expect.objectContaining({ code: 'CONFIG', message: expect.stringContaining('taskName takes names of tasks') }),
    )
  })
})
