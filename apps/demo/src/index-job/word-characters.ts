const isWordCharacter = /^[\p{L}\p{M}\p{N}]$/u

/** For each byte: `separator`; `wide` for a part of a character outside ASCII; else the letter or digit in lower case. */
export function classifyBytes(separator: number, wide: number): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => {
    if (byte >= 0x80) return wide
    const character = String.fromCharCode(byte)
    return isWordCharacter.test(character) ? character.toLowerCase().charCodeAt(0) : separator
  })
}

/** What is known of each character: 0 nothing yet, 1 it belongs to words, 2 it does not. Memory for those that occur only. */
const known = new Uint8Array(0x110000)

/** Whether words are made of this character: a letter, a digit, or a mark that belongs to one (Unicode's L, N and M). */
export function belongsToWord(codePoint: number): boolean {
  const answer = known[codePoint]
  if (answer !== 0) return answer === 1
  const belongs = isWordCharacter.test(String.fromCodePoint(codePoint))
  known[codePoint] = belongs ? 1 : 2
  return belongs
}

/** What {@link decode} gives for bytes that are no UTF-8. */
export const INVALID = -1
/** What {@link decode} gives for a character whose bytes go on behind `end`. */
export const CUT = -2

/**
 * Decodes the character that starts with the byte `bytes[at]`, which is 0x80 or more.
 *
 * @returns its code point times 8 plus the number of its bytes, or INVALID, or CUT
 */
export function decode(bytes: Uint8Array, at: number, end: number): number {
  const first = bytes[at] as number
  if (first < 0xc2 || first > 0xf4) return INVALID
  const length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4
  let codePoint = first & (0x7f >> length)
  for (let index = 1; index < length; index++) {
    if (at + index === end) return CUT
    const byte = bytes[at + index] as number
    // Neither overlong forms, nor surrogates, nor anything above U+10FFFF: the second byte shows them all.
    const least = index > 1 ? 0x80 : first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80
    const most = index > 1 ? 0xbf : first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf
    if (byte < least || byte > most) return INVALID
    codePoint = (codePoint << 6) | (byte & 0x3f)
  }
  return codePoint * 8 + length
}
