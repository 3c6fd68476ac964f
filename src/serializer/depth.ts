const QUOTE = 0x22
const BACKSLASH = 0x5c
const OPEN_LIST = 0x5b
const CLOSE_LIST = 0x5d
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d

/** Whether lists and objects in a JSON text are nested deeper than so many levels. Of other texts it says nothing. */
export function isDeeper(text: Uint8Array, levels: number): boolean {
  if (hasAtMost(text, levels)) return false
  let depth = 0
  for (let i = 0; i < text.length; i++) {
    const byte = text[i]
    if (byte === QUOTE) {
      for (i++; i < text.length && text[i] !== QUOTE; i++) if (text[i] === BACKSLASH) i++
    } else if (byte === OPEN_LIST || byte === OPEN_OBJECT) {
      if (++depth > levels) return true
    } else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) depth--
  }
  return false
}

/** Whether there are so few lists and objects that they cannot be nested deeper: told fast where much of a text are numbers. */
function hasAtMost(text: Uint8Array, most: number): boolean {
  // Each takes two bytes at least.
  if (text.length < 2 * most) return true
  let count = 0
  for (const open of [OPEN_LIST, OPEN_OBJECT]) {
    for (let at = text.indexOf(open); at !== -1; at = text.indexOf(open, at + 1)) if (++count > most) return false
  }
  return true
}
