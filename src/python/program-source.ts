import { readdirSync, readFileSync } from 'node:fs'

const folder = new URL('./program/', import.meta.url)

/**
 * The Python program, as texts by file name: a bundler that puts this library into one file with the user's code leaves no
 * others. The build replaces this module by one that holds them.
 */
export const programSource: Readonly<Record<string, string>> = Object.fromEntries(
  readdirSync(folder)
    .filter((file) => file.endsWith('.py'))
    .map((file) => [file, readFileSync(new URL(file, folder), 'utf8')]),
)
