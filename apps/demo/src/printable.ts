const longest = 4_000

/**
 * What could move the cursor, colour the screen, hide or turn text round: control and format characters, line ends, lone
 * surrogates, unassigned and private characters; and the backslash, so that an escape cannot be faked.
 */
const unsafe = /[\p{C}\p{Zl}\p{Zp}\\]/gu

const named: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\\': '\\\\' }

/** Text as it may be printed on a terminal: in one line, with everything that a terminal could obey escaped. */
export function printable(text: string): string {
  const shown = text.length > longest ? `${text.slice(0, longest)}…` : text
  return shown.replace(
    unsafe,
    (character) => named[character] ?? `\\u{${(character.codePointAt(0) as number).toString(16)}}`,
  )
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** A path whose bytes are kept as Latin-1, as text; undefined if it is no UTF-8. */
export function pathText(path: string): string | undefined {
  try {
    return utf8.decode(Buffer.from(path, 'latin1'))
  } catch {
    return undefined
  }
}

/** A path whose bytes are kept as Latin-1, as it may be printed; if it is no UTF-8, with each byte outside ASCII as `\xNN`. */
export function printablePath(path: string): string {
  const text = pathText(path)
  if (text !== undefined) return printable(text)
  return printable(path).replace(/[\x80-\xff]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16)}`)
}

/** A value as JSON of pure ASCII: whatever a file is called, a terminal that gets the JSON to see has nothing to obey. */
export function printableJson(value: unknown): string {
  return JSON.stringify(value, undefined, 2).replace(
    /[\x7f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
