import { existsSync, mkdtempSync, readFileSync, rmSync, watch, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A folder for files through which a test and its tasks tell each other things, wherever these run. */
export class Scratch {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'pool-'))
  #paths = 0

  /** A path at which nothing is yet. */
  path(): string {
    return join(this.folder, `${++this.#paths}`)
  }

  /** The lines of a file; none, if it is not there. */
  lines(path: string): string[] {
    return existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : []
  }

  open(path: string): void {
    writeFileSync(path, '')
  }

  close(path: string): void {
    rmSync(path)
  }

  /** Resolves once the line has been written. */
  written(path: string, line: unknown): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!this.lines(path).includes(`${line}`)) return
        watcher.close()
        resolve()
      }
      const watcher = watch(this.folder, look)
      look()
    })
  }

  remove(): void {
    rmSync(this.folder, { recursive: true })
  }
}

/** What stands in a list more than once. */
export function twice(lines: readonly string[]): string[] {
  return lines.filter((line, i) => lines.indexOf(line) !== i)
}

/** From 0 on. */
export function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i)
}
