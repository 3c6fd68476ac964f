import { readdirSync, readFileSync } from 'node:fs'

/**
 * Processes whose environment has this, as `NAME=value`, and what they have started: it is inherited, but who changes its title overwrites
 * its environment.
 */
export function marked(mark: string): readonly number[] {
  const pids = all()
  const found = pids.filter((pid) => read(pid, 'environ').split('\0').includes(mark))
  for (const parent of found) found.push(...pids.filter((pid) => parentOf(pid) === parent && !found.includes(pid)))
  return found.filter((pid) => commandOf(pid) !== '')
}

function all(): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
}

function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    // It has ended meanwhile, or is not ours.
    return ''
  }
}

/** Empty for one that has ended, whether or not somebody has taken notice. */
export function commandOf(pid: number): string {
  return read(pid, 'cmdline').replaceAll('\0', ' ').trim()
}

export function parentOf(pid: number): number {
  return Number(read(pid, 'stat').split(') ').at(-1)?.split(' ')[1])
}

/** Whether it is the Python program itself, or what watches over it. */
export function isProgram(pid: number): boolean {
  return read(pid, 'cmdline').split('\0')[1] === '-u'
}

/** Waits until something is there. */
export async function until<T>(look: () => T | undefined | false): Promise<T> {
  for (;;) {
    const found = look()
    if (found !== undefined && found !== false) return found
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
