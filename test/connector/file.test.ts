import { execFileSync, spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { FileConnector, type FileConnectorOptions } from '../../src/connector/file.ts'
import { folderError } from '../../src/connector/folder-errors.ts'
import { type LeftoverOptions, removeLeftovers } from '../../src/connector/leftovers.ts'
import { TransformError } from '../../src/errors.ts'
import { recipeOf } from '../../src/plugin.ts'

let base: string
let dir: string
beforeEach(() => {
  base = fs.mkdtempSync(join(tmpdir(), 'taps-sdk-file-'))
  dir = join(base, 'values')
})
afterEach(() => fs.rmSync(base, { recursive: true }))

const bytes = (text: string): Uint8Array[] => [new TextEncoder().encode(text)]
const textOf = async (found: ReturnType<FileConnector['get']>): Promise<string> => new TextDecoder().decode(await found)
const filesIn = (folder: string): string[] =>
  fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .flatMap((entry) => (entry.isFile() ? [entry.name] : []))
const pathOf = (key: string): string => join(dir, key)

describe('files', () => {
  test('the folder is made when there is something to put into it', () => {
    const connector = new FileConnector({ dir })
    expect(fs.existsSync(dir)).toBe(false)
    connector.put(bytes('hello'))
    expect(fs.existsSync(join(dir, connector.run))).toBe(true)
  })

  test('a key is a file in the folder of the run, and there are no others', () => {
    const connector = new FileConnector({ dir })
    const keys = ['one', 'two'].map((text) => connector.put(bytes(text)))
    expect(keys.map((key) => fs.readFileSync(pathOf(key), 'utf8'))).toEqual(['one', 'two'])
    expect(fs.readdirSync(dir)).toEqual([connector.run])
    expect(filesIn(join(dir, connector.run)).sort()).toEqual(keys.map((key) => basename(key)).sort())
  })

  test('a folder that is given relative to the working directory is the same one elsewhere', () => {
    const { options } = recipeOf(new FileConnector({ dir: 'relative' }), 'connector')
    expect((options as FileConnectorOptions).dir).toBe(join(process.cwd(), 'relative'))
  })

  test('the folder may vanish: what was in it is gone, and it is made again', async () => {
    const connector = new FileConnector({ dir })
    const key = connector.put(bytes('before'))
    fs.rmSync(dir, { recursive: true })
    expect([connector.exists(key), connector.get(key), connector.evict(key)]).toEqual([false, undefined, undefined])
    expect(await textOf(connector.get(connector.put(bytes('after'))))).toBe('after')
  })

  test('a file that is removed is there no more', () => {
    const connector = new FileConnector({ dir })
    const key = connector.put(bytes('hello'))
    fs.unlinkSync(pathOf(key))
    expect([connector.exists(key), connector.get(key)]).toEqual([false, undefined])
  })

  test('a file is gone when its time is over', async () => {
    const connector = new FileConnector({ dir, ttl: 60_000 })
    const [old, young] = [connector.put(bytes('old')), connector.put(bytes('young'))]
    const age = (key: string, ms: number) => fs.utimesSync(pathOf(key), new Date(), new Date(Date.now() - ms))
    age(old, 60_001)
    age(young, 30_000)
    expect([connector.exists(old), connector.exists(young)]).toEqual([false, true])
    expect(connector.get(old)).toBe(undefined)
    expect(fs.existsSync(pathOf(old))).toBe(false)
    expect(await textOf(connector.get(young))).toBe('young')
  })
})

describe('runs', () => {
  test('two connectors in one folder do not disturb each other', async () => {
    const [first, second] = [new FileConnector({ dir }), new FileConnector({ dir })]
    first.put(bytes('first'))
    const key = second.put(bytes('second'))
    first.close()
    expect(fs.readdirSync(dir)).toEqual([second.run])
    expect(await textOf(second.get(key))).toBe('second')
  })

  test('what was kept can be read again by its run, and whoever reads it removes nothing', async () => {
    const first = new FileConnector({ dir, keep: true })
    const key = first.put(bytes('kept'))
    first.close()
    const again = new FileConnector({ dir, run: first.run })
    expect(await textOf(again.get(key))).toBe('kept')
    again.close()
    expect(fs.existsSync(pathOf(key))).toBe(true)
  })

  test('a key of another run is refused, and the error says how to read it', () => {
    const first = new FileConnector({ dir })
    const key = first.put(bytes('hello'))
    expect(() => new FileConnector({ dir }).get(key)).toThrow(`make one with { run: "${first.run}" } to read it`)
  })

  test('the name of a run says when, where and by which process it was begun', () => {
    const { run } = new FileConnector({ dir })
    expect(run).toMatch(/^taps-sdk-\d{8}T\d{6}Z-/)
    expect(run).toContain(
      hostname()
        .replace(/[^\w.-]/g, '_')
        .slice(0, 48),
    )
    expect(run).toContain(`-${process.pid}-`)
  })
})

describe('hostile keys', () => {
  test.each([
    '../x',
    '/etc/passwd',
    'RUN/../../x',
    'RUN/..',
    'RUN/',
    'RUN',
    'RUN//00000000-0000-4000-8000-000000000000',
    'RUN/00000000-0000-4000-8000-000000000000.part',
    'RUN/00000000-0000-4000-8000-000000000000\n',
    '../RUN/00000000-0000-4000-8000-000000000000',
    '\0',
  ])('%j is refused, and nothing is removed', (shape) => {
    const connector = new FileConnector({ dir })
    connector.put(bytes('hello'))
    fs.writeFileSync(join(dir, 'x'), '')
    const key = shape.replace('RUN', connector.run)
    for (const use of [connector.get, connector.exists, connector.evict])
      expect(() => use.call(connector, key)).toThrow(/is no key of a FileConnector|was given to a FileConnector/)
    expect(fs.existsSync(join(dir, 'x'))).toBe(true)
  })

  test('a link in the place of a file is not followed', () => {
    const secret = join(base, 'secret')
    fs.writeFileSync(secret, 'secret')
    const connector = new FileConnector({ dir })
    const key = connector.put(bytes('hello'))
    fs.unlinkSync(pathOf(key))
    fs.symlinkSync(secret, pathOf(key))
    expect(connector.exists(key)).toBe(false)
    expect(() => connector.get(key)).toThrow('it is a symbolic link, which is not followed')
    connector.evict(key)
    expect(fs.readFileSync(secret, 'utf8')).toBe('secret')
  })

  test('a pipe in the place of a file does not hold up the process', () => {
    const connector = new FileConnector({ dir })
    const key = connector.put(bytes('hello'))
    fs.unlinkSync(pathOf(key))
    execFileSync('mkfifo', [pathOf(key)])
    expect(connector.exists(key)).toBe(false)
    expect(() => connector.get(key)).toThrow(`Cannot read ${pathOf(key)}: it is no file`)
  })

  test('a link to a folder in the place of the run is removed, and not what is in the folder', () => {
    const connector = new FileConnector({ dir })
    fs.mkdirSync(dir)
    fs.mkdirSync(join(base, 'other'))
    fs.writeFileSync(join(base, 'other', 'precious'), '')
    fs.symlinkSync(join(base, 'other'), join(dir, connector.run))
    connector.close()
    expect(fs.existsSync(join(base, 'other', 'precious'))).toBe(true)
  })
})

describe('bad folders', () => {
  test.each(['', '/below'])('a file in the place of the folder%s is told', (below) => {
    fs.writeFileSync(dir, 'I am a file')
    const connector = new FileConnector({ dir: `${dir}${below}` })
    expect(() => connector.put(bytes('hello'))).toThrow(TransformError)
    expect(() => connector.put(bytes('hello'))).toThrow(
      /^Cannot write .+: (EEXIST|ENOTDIR), a part of the path is no folder/,
    )
    expect(fs.readFileSync(dir, 'utf8')).toBe('I am a file')
    connector.close()
  })

  test('where files may not be as large, the error says so, and no part of one is left', () => {
    const program = fileURLToPath(new URL('limited.fixture.ts', import.meta.url))
    // The signal for it would end Node.
    const limit = 'ulimit -f 100; trap "" XFSZ; exec "$@"'
    const child = spawnSync('sh', ['-c', limit, 'sh', process.execPath, program, dir], { encoding: 'utf8' })
    const { run, ...outcome } = JSON.parse(child.stdout)
    expect(outcome).toEqual({
      name: 'TransformError',
      message: expect.stringMatching(/^Cannot write \S+: EFBIG, .+raise `ulimit -f`/),
      stored: true,
    })
    expect(filesIn(join(dir, run))).toEqual([expect.not.stringContaining('part')])
  })

  test('where few files may be open, any number of values can be read at the same time', () => {
    const program = fileURLToPath(new URL('many-reads.fixture.ts', import.meta.url))
    const limit = 'ulimit -n 80; exec "$@"'
    const child = spawnSync('sh', ['-c', limit, 'sh', process.execPath, program, dir], { encoding: 'utf8' })
    expect([child.stderr, child.stdout]).toEqual(['', JSON.stringify(100 * (2 * 1_100_000 + 1_000 - 1))])
  })

  test.each([
    ['EACCES', 'EACCES, this process may not use it: change its permissions, or choose another folder'],
    ['EROFS', 'EROFS, the file system is read-only: choose another folder'],
    ['EMFILE', 'EMFILE, this process has too many open files: raise `ulimit -n`'],
    ['EIO', 'i/o error'],
  ])('%s comes with its path and a cure', (code, text) => {
    const cause = Object.assign(new Error('i/o error'), { code })
    const error = folderError('write', '/some/path', cause)
    expect([error.message, error.cause]).toEqual([`Cannot write /some/path: ${text}`, cause])
  })

  test.each([
    [{}, 'takes { dir }'],
    [{ dir: '' }, 'dir takes the path of a folder, not ""'],
    [{ dir: 'd', keep: 1 }, 'keep takes true or false, not 1'],
    [{ dir: 'd', ttl: -1 }, 'ttl takes a time in ms above 0, not -1'],
    [{ dir: 'd', run: '../..' }, 'run takes the name of a run'],
    [{ dir: 'd', path: 'x' }, 'has no option "path"'],
  ])('options %j are refused', (options, message) => {
    expect(() => new FileConnector(options as FileConnectorOptions)).toThrow(message)
  })
})

describe('leftovers', () => {
  const crash = (): string => {
    const program = fileURLToPath(new URL('crash.fixture.ts', import.meta.url))
    return spawnSync(process.execPath, [program, dir], { encoding: 'utf8' }).stdout
  }
  const otherHost = 'taps-sdk-20200101T000000Z-other.host-1-0123456789ab'

  test('runs of programs that are gone are removed, and nothing else', () => {
    const dead = crash()
    const alive = new FileConnector({ dir })
    alive.put(bytes('hello'))
    const strangers = ['taps-sdk-2026', 'taps-sdk', `${dead}x`, 'notes', otherHost]
    for (const name of strangers) fs.mkdirSync(join(dir, name))
    fs.writeFileSync(join(dir, 'file'), '')
    fs.symlinkSync(
      join(dir, 'notes'),
      join(
        dir,
        dead.replace(/.$/, (digit) => (digit === '0' ? '1' : '0')),
      ),
    )
    const before = fs.readdirSync(dir)
    expect(removeLeftovers({ dir })).toEqual([dead])
    expect(fs.readdirSync(dir)).toEqual(before.filter((name) => name !== dead))
    expect(removeLeftovers({ dir })).toEqual([])
  })

  test('runs of other machines are removed when nothing has been stored in them for a time', () => {
    const young = otherHost.replace('other', 'another')
    for (const name of [otherHost, young]) fs.mkdirSync(join(dir, name), { recursive: true })
    fs.utimesSync(join(dir, otherHost), new Date(), new Date(Date.now() - 3_600_000))
    expect(removeLeftovers({ dir, olderThan: 7_200_000 })).toEqual([])
    expect(removeLeftovers({ dir, olderThan: 1_800_000 })).toEqual([otherHost])
    expect(fs.readdirSync(dir)).toEqual([young])
  })

  test('a run of another host in which something was stored of late is none, however long ago it was begun', () => {
    const connector = new FileConnector({ dir, run: otherHost })
    const [first, second] = [connector.put(bytes('first')), connector.put(bytes('second'))]
    const longAgo = new Date(Date.now() - 3_600_000)
    fs.utimesSync(join(dir, otherHost), longAgo, longAgo)
    expect(removeLeftovers({ dir, olderThan: 1_800_000 })).toEqual([])
    expect([connector.exists(first), connector.exists(second)]).toEqual([true, true])
    for (const part of fs.readdirSync(join(dir, otherHost))) fs.utimesSync(join(dir, otherHost, part), longAgo, longAgo)
    expect(removeLeftovers({ dir, olderThan: 1_800_000 })).toEqual([otherHost])
  })

  test('a run of a process that had our number before us is one', () => {
    const now = new FileConnector({ dir }).run
    const before = now.replace(/\d{8}T\d{6}Z/, '20200101T000000Z')
    for (const name of [now, before]) fs.mkdirSync(join(dir, name), { recursive: true })
    expect(removeLeftovers({ dir })).toEqual([before])
  })

  test('where there is no folder there are none', () => {
    expect(removeLeftovers({ dir })).toEqual([])
  })

  test('a file in the place of the folder is told', () => {
    fs.writeFileSync(dir, '')
    expect(() => removeLeftovers({ dir })).toThrow(`Cannot read ${dir}: ENOTDIR`)
  })

  test.each([
    [{ dir: 5 }, 'dir takes the path of a folder, not 5'],
    [{ olderThan: -1 }, 'olderThan takes a time in ms from 0, not -1'],
    [{ age: 1 }, 'has no option "age"'],
  ])('options %j are refused', (options, message) => {
    expect(() => removeLeftovers(options as LeftoverOptions)).toThrow(message)
  })
})
