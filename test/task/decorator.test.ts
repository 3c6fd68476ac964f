import { fileURLToPath } from 'node:url'
import { build, transform } from 'esbuild'
import { describe, expect, test } from 'vitest'
import * as taps from '../../src/index.ts'
import { lookUp } from '../../src/task/task-ref.ts'

/** What a decorator makes of a method is not seen by TypeScript: it is a task, and has the type of the method. */
type AsTask<Method> = Method extends (...args: infer A) => infer R ? taps.Task<A, R> : never

type Source = typeof import('./decorator.fixture.ts')
interface Fixture {
  readonly engine: Source['engine']
  readonly Texts: { readonly [Name in 'shout' | 'quote' | 'twice']: AsTask<Source['Texts'][Name]> }
  readonly Loud: Fixture['Texts']
}

/** Runs code whose decorators have been lowered, with this very library. */
function evaluate(code: string): Record<string, unknown> {
  const module = { exports: {} as Record<string, unknown> }
  new Function('module', 'exports', 'require', code)(module, module.exports, (name: string) => {
    expect(name).toBe('taps-sdk')
    return taps
  })
  return module.exports
}

async function load(): Promise<Fixture> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('decorator.fixture.ts', import.meta.url))],
    bundle: true,
    packages: 'external',
    write: false,
    format: 'cjs',
    // The version that was the last without decorators.
    target: 'es2022',
    define: { 'import.meta.url': '""' },
    tsconfigRaw: {},
  })
  return evaluate(outputFiles[0]?.text as string) as unknown as Fixture
}

/** The error of a class whose decorator is not for what it stands on. */
async function refusal(member: string): Promise<unknown> {
  const source = `
    import { task } from 'taps-sdk'
    export class Wrong { ${member} }`
  const { code } = await transform(source, { loader: 'ts', format: 'cjs', target: 'es2022' })
  try {
    evaluate(code)
  } catch (error) {
    return error
  }
  throw new Error('nothing was refused')
}

describe('@task() on a static method', () => {
  test('makes it a task, which called directly is the plain method', async () => {
    const { Texts } = await load()
    expect(Texts.shout('a')).toBe('>A!')
    expect(await Texts.quote('a')).toBe('> a')
    expect(Texts.shout.ref).toMatchObject({ name: 'shout' })
    expect(Texts.shout.options).toEqual({ name: 'shout' })
    expect(Texts.shout.length).toBe(1)
  })

  test('takes options', async () => {
    const { Texts, engine } = await load()
    expect(Texts.quote.options).toEqual({ name: 'texts.quote', priority: 7, labels: ['io'] })
    const future = engine.submit(Texts.quote, 'a')
    expect(future.info).toMatchObject({ name: 'texts.quote', labels: { io: 1 } })
    await future
  })

  test('keeps `this`: the class, also when an engine runs it', async () => {
    const { Texts, engine } = await load()
    const { quote } = Texts
    expect(await engine.submit(Texts.quote, 'a')).toBe('> a')
    expect(await engine.submit(quote, engine.submit(Texts.shout, 'b'))).toBe('> >B!')
    expect(await engine.map(Texts.quote, ['a', 'b'])).toEqual(['> a', '> b'])
    expect(await quote('a')).toBe('> a')
  })

  test('belongs to the class that declares it: a subclass inherits the task', async () => {
    const { Loud, Texts, engine } = await load()
    expect(Loud.quote).toBe(Texts.quote)
    expect(await engine.submit(Loud.quote, 'a')).toBe('> a')
  })

  test('may submit other methods, whose futures are joined', async () => {
    const { Texts, engine } = await load()
    expect(await engine.submit(Texts.twice, 'a')).toEqual(['>A!', '> a'])
  })

  test('can be found by its reference, and have other options for a call', async () => {
    const { Texts, engine } = await load()
    expect(lookUp(Texts.shout.ref)).toBe(Texts.shout)
    const eager = Texts.shout.with({ priority: 9 })
    expect(eager.ref).toBe(Texts.shout.ref)
    expect(await engine.submit(eager, 'a')).toBe('>A!')
  })

  test('has the module that the option names', async () => {
    const { code } = await transform(
      `import { task } from 'taps-sdk'
       export class Named { @task({ module: 'file:///named.js' }) static run() { return 1 } }`,
      { loader: 'ts', format: 'cjs', target: 'es2022' },
    )
    const { Named } = evaluate(code) as { Named: { run: taps.Task<[], number> } }
    expect(Named.run.ref).toEqual({ module: 'file:///named.js', name: 'run', ordinal: 0 })
  })

  test('works with the decorators of TypeScript too', async () => {
    const { default: ts } = await import('typescript')
    const { outputText } = ts.transpileModule(
      `import { task } from 'taps-sdk'
       export class Texts {
         static mark = '?'
         @task({ priority: 1 }) static ask(text: string) { return text + this.mark }
       }`,
      { compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 } },
    )
    const { Texts } = evaluate(outputText) as { Texts: { ask: taps.Task<[text: string], string> } }
    expect(Texts.ask('who')).toBe('who?')
    expect(Texts.ask.options).toEqual({ name: 'ask', priority: 1 })
    expect(await new taps.Engine().submit(Texts.ask, 'who')).toBe('who?')
  })
})

describe('@task() elsewhere', () => {
  test.each([
    ['an instance method', '@task() run() {}', 'run'],
    ['a private static method', '@task() static #run() {}', '#run'],
    ['a getter', '@task() static get run() { return 1 }', 'run'],
    ['a field', '@task() static run = () => 1', 'run'],
    ['an instance field', '@task() run = 1', 'run'],
    ['an accessor', '@task() static accessor run = 1', 'run'],
  ])('%s is refused, with the cure', async (_, member, name) => {
    const error = (await refusal(member)) as TypeError
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toBe(
      `@task() is for public static methods; ${name} is none. Wrap the function instead: task(fn)`,
    )
  })

  test('a class is refused', async () => {
    const { code } = await transform(`import { task } from 'taps-sdk'\n@task() class Wrong {}`, {
      loader: 'ts',
      format: 'cjs',
      target: 'es2022',
    })
    expect(() => evaluate(code)).toThrow(/@task\(\) is for public static methods; Wrong is none/)
  })

  test('without its parentheses, on a method, it is refused', async () => {
    const error = await refusal('@task static run() {}')
    expect(error).toBeInstanceOf(TypeError)
    expect((error as TypeError).message).toBe('As a decorator, task needs its parentheses: @task()')
  })

  test('wrong options are refused where the class is declared', async () => {
    const error = await refusal('@task({ retry: 1 }) static run() {}')
    expect(error).toBeInstanceOf(taps.ConfigError)
    expect((error as Error).message).toMatch(/no option "retry"/)
  })

  test('the old decorators of TypeScript (experimentalDecorators) are refused', async () => {
    const { code } = await transform(`import { task } from 'taps-sdk'\nexport class Old { @task() static run() {} }`, {
      loader: 'ts',
      format: 'cjs',
      target: 'es2022',
      tsconfigRaw: { compilerOptions: { experimentalDecorators: true } },
    })
    expect(() => evaluate(code)).toThrow(/@task\(\) is for public static methods/)
  })
})
