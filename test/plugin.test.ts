import { expect, test } from 'vitest'
import { ConfigError, defineConnector, defineFilter, defineTransformer, proxyTransformer } from '../src/index.ts'
import { follow, recipeOf } from '../src/plugin.ts'

const module = import.meta.url
const bytes = { put: () => 1, get: () => undefined, exists: () => false, evict: () => {} }

test.each([
  ['nothing', undefined, 'A plug-in is defined by { name, module: import.meta.url, create }'],
  ['no name', { module, create: () => bytes }, 'A plug-in needs a name'],
  ['no create', { name: 'a', module }, 'Plug-in a: create takes a function'],
  ['a module that is no URL', { name: 'a', module: './a.ts', create: () => bytes }, 'module takes import.meta.url'],
])('a definition with %s is refused', (_, definition, message) => {
  for (const define of [defineConnector, defineFilter, defineTransformer]) {
    const wrong = () => define(definition as never)
    expect(wrong).toThrow(ConfigError)
    expect(wrong).toThrow(message)
  }
})

test.each([
  ['nothing', undefined, 'not undefined'],
  ['a number', 5, 'not 5'],
  ['what cannot be marked', Object.freeze({ ...bytes }), 'not an object that is frozen'],
])('a plug-in that creates %s is refused', (_, made, message) => {
  const make = defineConnector({ name: 'wrong', module, create: () => made as typeof bytes })
  expect(() => make()).toThrow(ConfigError)
  expect(() => make()).toThrow(`Plug-in wrong: create has to return an object or a function, ${message}`)
})

const bucket = defineConnector({ name: 'bucket', module, create: (options: object) => ({ ...bytes, options }) })

test('the recipe of a plug-in has those of the plug-ins inside, and can be followed from text', async () => {
  const shared = { b: [1, null, undefined] }
  const recipe = recipeOf(proxyTransformer({ connector: bucket({ first: shared, second: shared }) }), 'transformer')
  const made: unknown = await follow(JSON.parse(JSON.stringify(recipe)), (url) => import(url))
  expect(recipeOf(made as object, 'transformer')).toEqual(JSON.parse(JSON.stringify(recipe)))
  expect(JSON.stringify(recipe)).toContain('"first":{"b":[1,null,null]}')
})

test('options that are a part of themselves are refused, with the place', () => {
  const options: { list: unknown[] } = { list: [] }
  options.list.push(options)
  expect(() => recipeOf(bucket(options), 'connector')).toThrow(
    new ConfigError('options of connector bucket.list[0] is a part of itself, which options of plug-ins cannot be'),
  )
})
