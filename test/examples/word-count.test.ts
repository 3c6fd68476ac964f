import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, extname, join } from 'node:path'
import { Engine, type Executor } from 'taps-sdk'
import { afterAll, describe, expect, test } from 'vitest'
import { listFolder } from '../../examples/word-count/folder.ts'
import { readArguments, UserError } from '../../examples/word-count/input.ts'
import { Progress } from '../../examples/word-count/progress.ts'
import { addUp, countFile } from '../../examples/word-count/tasks.ts'
import { mostFrequent, runJob, wordCount } from '../../examples/word-count/word-count.ts'
import { type ChildOptions, type Outcome, run } from './child.ts'

const checkout = join(import.meta.dirname, '../..')
const temporary = mkdtempSync(join(tmpdir(), 'word count '))
afterAll(() => rmSync(temporary, { recursive: true }))

let folders = 0

/** A folder with these files in it. */
function folderOf(files: Readonly<Record<string, string | Uint8Array>>): string {
  const folder = join(temporary, `folder ${++folders}`)
  mkdirSync(folder)
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), content)
  }
  return folder
}

/** Numbers that look random and are always the same. */
function seeded(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

const VOCABULARY = ['tree', 'Tree', 'wörld', '2026', 'été', 'Ωmega', 'слово', '数据', 'constructor', '__proto__', 'x1']
/** The words behind each entry of the vocabulary, as the program should see them. */
const SEEN = ['tree', 'tree', 'wörld', '2026', 'été', 'ωmega', 'слово', '数据', 'constructor', 'proto', 'x1']
const GAPS = [' ', '\n', '\r\n', '\t', ', ', '. ', ' – ', ' "', '/', '😀']

/** Writes files of random words, in folders of random depth, and counts what it writes. */
function generate(files: number, seed: number): { folder: string; words: Map<string, number>; bytes: number } {
  const random = seeded(seed)
  const words = new Map<string, number>()
  const contents: Record<string, string> = {}
  let bytes = 0
  for (let file = 0; file < files; file++) {
    let text = ''
    for (let left = random(300); left > 0; left--) {
      const word = random(VOCABULARY.length)
      text += (VOCABULARY[word] as string) + GAPS[random(GAPS.length)]
      words.set(SEEN[word] as string, (words.get(SEEN[word] as string) ?? 0) + 1)
    }
    const path = Array.from({ length: random(4) }, () => `folder-${random(3)}`)
    contents[[...path, `${file}.${['md', 'txt', 'rst', 'markdown', 'MD'][random(5)]}`].join('/')] = text
    bytes += Buffer.byteLength(text)
  }
  return { folder: folderOf(contents), words, bytes }
}

/** The job as it would be written without any library. */
function countPlainly(folder: string): Map<string, number> {
  const words = new Map<string, number>()
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile() || !['.md', '.markdown', '.txt', '.rst'].includes(extname(entry.name).toLowerCase())) continue
    const text = readFileSync(join(entry.parentPath, entry.name), 'utf8')
    for (const word of text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []) words.set(word, (words.get(word) ?? 0) + 1)
  }
  return words
}

const sorted = (words: ReadonlyMap<string, number>): unknown => [...words].sort(([a], [b]) => (a < b ? -1 : 1))

describe('word count', () => {
  test('counts the words that were written', async () => {
    const { folder, words, bytes } = generate(300, 1)
    const { texts } = await listFolder(folder)
    const { counts } = await runJob(texts, { concurrency: 8 })
    expect(sorted(counts.words)).toEqual(sorted(words))
    expect(counts).toMatchObject({ files: 300, bytes, skipped: [] })
  })

  test('counts in real text what a plain sequential program counts', async () => {
    const folder = join(checkout, 'node_modules')
    const { texts } = await listFolder(folder)
    const { counts } = await runJob(texts, { concurrency: 8 })
    expect(counts.skipped).toEqual([])
    expect(counts.words.size).toBeGreaterThan(1_000)
    expect(sorted(counts.words)).toEqual(sorted(countPlainly(folder)))
  })

  test.each(['threads', 'processes'] as const)('counts the same on %s', async (executor) => {
    const { folder, words, bytes } = generate(200, 4)
    const { texts } = await listFolder(folder)
    const told: number[] = []
    const options = { executor, workers: 2, concurrency: 4, onFile: (files: number) => told.push(files) }
    const { counts, tasks } = await runJob([...texts, join(folder, 'missing.md')], options)
    expect(sorted(counts.words)).toEqual(sorted(words))
    expect(counts).toMatchObject({ files: 200, bytes, skipped: [{ reason: 'it does not exist' }] })
    expect(tasks).toBe(201 + 13 + 1)
    expect(told).toEqual(Array.from({ length: 201 }, (_, i) => i + 1))
  })

  test('reads every file exactly once', async () => {
    const read: unknown[] = []
    const executor: Executor = {
      submit(fn, ...args) {
        if ((fn as unknown) === countFile) read.push(args[0])
        return Promise.resolve(fn(...args)) as Promise<never>
      },
    }
    const { folder } = generate(100, 2)
    const { texts } = await listFolder(folder)
    await using engine = new Engine({ executor })
    await wordCount(engine, texts)
    expect(read.toSorted()).toEqual(texts)
    expect(new Set(texts).size).toBe(100)
  })

  test.each([
    [0, 1],
    [1, 1],
    [16, 1],
    [17, 2 + 1],
    [256, 16 + 1],
    [257, 17 + 2 + 1],
  ])('adds up %i files with %i tasks, none of which has more than 16 parents', async (files, sums) => {
    const path = join(folderOf({ 'a.txt': 'one two two' }), 'a.txt')
    await using engine = new Engine()
    const { words } = await wordCount(engine, Array(files).fill(path))
    expect([words.get('one') ?? 0, words.get('two') ?? 0]).toEqual([files, 2 * files])
    const { nodes } = engine.graph()
    expect(nodes.filter(({ name }) => name === addUp.name)).toHaveLength(sums)
    expect(Math.max(...nodes.map(({ parents }) => parents.length))).toBeLessThanOrEqual(16)
  })

  test('tells of each file, and what it took', async () => {
    const { folder } = generate(20, 3)
    const { texts } = await listFolder(folder)
    const told: number[] = []
    const { tasks, wallMs, busyMs } = await runJob(texts, { concurrency: 2, onFile: (files) => told.push(files) })
    expect(told).toEqual(Array.from(texts, (_, i) => i + 1))
    expect(tasks).toBe(20 + 3)
    expect(busyMs).toBeGreaterThan(0)
    expect(busyMs / wallMs).toBeLessThanOrEqual(2)
  })

  test('ranks by frequency, then by the alphabet', () => {
    const words = new Map([
      ['b', 2],
      ['c', 3],
      ['a', 2],
      ['d', 1],
    ])
    expect(mostFrequent(words, 3)).toEqual([
      ['c', 3],
      ['a', 2],
      ['b', 2],
    ])
  })
})

describe('listFolder', () => {
  test('finds text files by the end of their names, in hidden folders too', async () => {
    const folder = folderOf({ 'a.md': '', 'b.TXT': '', '.hidden/c.rst': '', 'd/e/f.markdown': '', 'g.ts': '', md: '' })
    expect(await listFolder(folder)).toEqual({
      texts: ['.hidden/c.rst', 'a.md', 'b.TXT', 'd/e/f.markdown'].map((name) => join(folder, name)),
      others: 2,
      skipped: [],
    })
  })

  test('does not follow symbolic links: a loop ends, and a file is found once', async () => {
    const folder = folderOf({ 'a.md': 'one', 'sub/b.md': 'two' })
    symlinkSync('..', join(folder, 'sub/loop'))
    symlinkSync('a.md', join(folder, 'again.md'))
    symlinkSync('nowhere.md', join(folder, 'broken.md'))
    const { texts } = await listFolder(folder)
    expect(texts).toEqual([join(folder, 'a.md'), join(folder, 'sub/b.md')])
  })

  test('starts at a link to a folder', async () => {
    const folder = folderOf({ 'a.md': '' })
    const link = join(temporary, 'link')
    symlinkSync(folder, link)
    expect((await listFolder(link)).texts).toEqual([join(link, 'a.md')])
  })
})

describe('countFile', () => {
  test('names what is no text, and why', async () => {
    const folder = folderOf({
      'binary.md': Uint8Array.of(0x68, 0x69, 0, 1),
      'image.md': Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a),
      'latin.md': Uint8Array.of(0x63, 0x61, 0x66, 0xe9),
    })
    const reasons = ['binary.md', 'image.md', 'latin.md', 'gone.md'].map(async (name) => {
      const { files, bytes, words, skipped } = await countFile(join(folder, name))
      expect([files, bytes, words.size, skipped[0]?.path]).toEqual([0, 0, 0, join(folder, name)])
      return skipped[0]?.reason
    })
    expect(await Promise.all(reasons)).toEqual([
      'it is binary',
      'it is binary, or not encoded as UTF-8',
      'it is binary, or not encoded as UTF-8',
      'it does not exist',
    ])
  })

  test('counts an empty file as a file', async () => {
    const folder = folderOf({ 'empty.md': '' })
    expect(await countFile(join(folder, 'empty.md'))).toEqual({ files: 1, bytes: 0, words: new Map(), skipped: [] })
  })
})

describe('progress', () => {
  /** What is written when the files are done at these times, in ms. */
  function written(isTTY: boolean, total: number, times: readonly number[], columns?: number): string[] {
    const texts: string[] = []
    let now = 0
    const progress = new Progress({ isTTY, columns, write: (text) => texts.push(text) }, total, () => now)
    times.forEach((time, i) => {
      now = time
      progress.update(i + 1)
    })
    progress.end()
    return texts
  }

  test('is a line for each quarter where it is no terminal', () => {
    expect(written(false, 8, [0, 0, 0, 0, 0, 0, 0, 0])).toEqual([
      ' 25 %  2 of 8 files\n',
      ' 50 %  4 of 8 files\n',
      ' 75 %  6 of 8 files\n',
      '100 %  8 of 8 files\n',
    ])
  })

  test('is a line every two seconds when it takes long', () => {
    expect(written(false, 1_000, [10, 1_999, 2_000, 3_999, 4_001])).toEqual([
      '  0 %  3 of 1,000 files\n',
      '  0 %  5 of 1,000 files\n',
    ])
  })

  test('is one line that changes, and goes away, on a terminal', () => {
    expect(written(true, 4, [10, 60, 70, 80])).toEqual([
      `\r${'█'.repeat(12)}${'░'.repeat(12)}  50 %  2 of 4 files\x1b[K`,
      `\r${'█'.repeat(24)} 100 %  4 of 4 files\x1b[K`,
      '\r\x1b[K',
    ])
  })

  test('never wraps on a narrow terminal', () => {
    expect(written(true, 1, [0], 10)).toEqual([`\r${'█'.repeat(9)}\x1b[K`, '\r\x1b[K'])
  })
})

// Each test starts processes of its own, which takes its time on a busy machine.
describe('the program', () => {
  const { scripts } = JSON.parse(readFileSync(join(checkout, 'package.json'), 'utf8'))
  const program = join(checkout, 'examples/word-count/main.ts')
  const count = (args: readonly string[], options?: ChildOptions): Promise<Outcome> => run(program, args, options)
  const denying: ChildOptions = { preload: [new URL('./deny-reading.ts', import.meta.url)] }

  function expectFailure({ code, stdout, stderr }: Outcome, message: string): void {
    expect(stderr).toContain(message)
    expect(stderr).not.toMatch(/^\s+at |node:internal/m)
    expect([code, stdout]).toEqual([1, ''])
  }

  test('is what npm start runs', () => {
    expect(scripts.start).toBe('node examples/word-count/main.ts')
  })

  test('shows progress, the most frequent words, and what it took', async () => {
    const folder = folderOf({ 'a b.md': 'the cat and the dog', 'sub/c.txt': 'The bird' })
    const { code, stdout, stderr } = await count([folder, '--top', '2'])
    expect(code).toBe(0)
    expect(stderr).toBe(
      `Looking for text files in ${folder}\nCounting the words of 2 files\n 50 %  1 of 2 files\n100 %  2 of 2 files\n`,
    )
    const [, first, second, , ...rest] = stdout.split('\n')
    expect(first).toMatch(/^ {2}1 {2}the {2}3 {2}█+$/)
    expect(second).toMatch(/^ {2}2 {2}and {2}1 {2}█+$/)
    expect(rest.slice(0, 3)).toEqual([
      'files  2, 27 bytes',
      'words  7, of which 5 are different',
      'tasks  3: one for each file, and a tree that adds up',
    ])
    expect(rest[3]).toMatch(/^time {3}\d+\.\d\d s; busy \d+\.\d\d s: all tasks together, /)
    expect(rest[4]).toMatch(/^ {7}busy time over wall time: \d+\.\d tasks at a time$/)
  })

  test('takes the folder as an option too', async () => {
    const folder = folderOf({ 'a.md': 'word' })
    const { code, stdout } = await count(['--dir', folder, '--concurrency=1'])
    expect([code, stdout.includes('words  1, of which 1 are different')]).toEqual([0, true])
  })

  test('prints the same on threads and processes as in process', async () => {
    const { folder } = generate(30, 5)
    const ranking = async (...args: string[]): Promise<string | undefined> => {
      const { code, stdout, stderr } = await count([folder, ...args])
      expect([code, stderr]).toEqual([0, expect.stringContaining('100 %  30 of 30 files\n')])
      return stdout.split('\ntime ')[0]
    }
    const inProcess = await ranking()
    expect(inProcess).toContain('files  30, ')
    for (const executor of ['threads', 'processes'])
      expect(await ranking('--executor', executor, '--workers', '2')).toBe(inProcess)
  })

  test('finds a relative folder from where npm was called', async () => {
    const folder = folderOf({ 'sub/a.md': 'word' })
    const { code, stderr } = await count(['sub'], { env: { npm_lifecycle_event: 'start', INIT_CWD: folder } })
    expect([code, stderr.includes(join(folder, 'sub'))]).toEqual([0, true])
  })

  test('explains itself, also when it is started through a link', async () => {
    const link = join(temporary, 'checkout')
    symlinkSync(checkout, link)
    const { code, stdout } = await run(join(link, 'examples/word-count/main.ts'), ['--help'])
    expect(code).toBe(0)
    expect(stdout).toContain('Usage: npm start -- [folder] [options]')
  })

  test('names files that are no text, and counts the others', async () => {
    const folder = folderOf({ 'a.md': 'word', 'sub/b.md': Uint8Array.of(0, 1, 2), 'c.md': Uint8Array.of(0xff, 0xfe) })
    const { code, stdout, stderr } = await count([folder])
    expect(code).toBe(0)
    expect(stderr).toContain('Left out 2:\n  c.md: it is binary, or not encoded as UTF-8\n  sub/b.md: it is binary\n')
    expect(stdout).toContain('files  1, 4 bytes; left out 2\n')
  })

  test('names files and folders that it may not read, and counts the others', async () => {
    const folder = folderOf({ 'a.md': 'word', 'denied.md': 'word', 'sub-denied/b.md': 'word' })
    const { code, stdout, stderr } = await count([folder], denying)
    expect(code).toBe(0)
    expect(stderr).toContain('Left out 2:\n  sub-denied: permission denied\n  denied.md: permission denied\n')
    expect(stdout).toContain('files  1, 4 bytes; left out 2\n')
  })

  test('fails when it may not read the folder, or any of its files', async () => {
    const folder = folderOf({ 'denied/a.md': '', 'files/denied.md': '' })
    expectFailure(await count([join(folder, 'denied')], denying), 'cannot be read: permission denied')
    expectFailure(
      await count([join(folder, 'files')], denying),
      `no text file in ${join(folder, 'files')} can be read\nLeft out 1:\n  denied.md: permission denied\n`,
    )
  })

  test('fails, naming the folder, where there is none', async () => {
    const folder = folderOf({ 'a.md': '' })
    const missing = join(folder, 'missing')
    expectFailure(await count([missing]), `word-count: there is no folder ${missing}\n`)
    expectFailure(
      await count([join(folder, 'a.md')]),
      `is not a folder but a file; try the folder that it is in, ${folder}\n`,
    )
    expectFailure(await count([join(folder, 'a.md', 'b')]), `there is no folder ${join(folder, 'a.md', 'b')}\n`)
    symlinkSync('circle', join(folder, 'circle'))
    expectFailure(await count([join(folder, 'circle')]), 'its symbolic links lead in a circle\n')
  })

  test('fails where there is nothing to count', async () => {
    const empty = folderOf({})
    mkdirSync(join(empty, 'sub'))
    expectFailure(await count([empty]), `word-count: the folder ${empty} is empty: there are no files in it to count\n`)
    const other = folderOf({ 'a.ts': '', 'b.png': '' })
    expectFailure(await count([other]), `in ${other}, but 2 files of other kinds\n`)
    const binary = folderOf({ 'a.md': Uint8Array.of(0) })
    expectFailure(await count([binary]), `no text file in ${binary} can be read\nLeft out 1:\n  a.md: it is binary\n`)
  })

  test('fails for an option that it does not have', async () => {
    expectFailure(await count(['--tpo', '3']), "word-count: Unknown option '--tpo'. --help shows the options.\n")
  })

  test.each([
    [['--top', '0'], '--top takes a whole number of at least 1, not "0"'],
    [['--top=-1'], '--top takes a whole number of at least 1, not "-1"'],
    [['--top'], "Option '--top <value>' argument missing. --help shows the options."],
    [['my', 'texts'], 'it takes one folder, and got "my", "texts". A name with spaces needs quotes.'],
    [['--dir', 'a', 'b'], 'it takes one folder, and got "b", "a". A name with spaces needs quotes.'],
    [[''], 'the name of the folder is empty'],
  ])('refuses %j', (args, message) => {
    expect(() => readArguments(args)).toThrow(new UserError(message))
  })
})
