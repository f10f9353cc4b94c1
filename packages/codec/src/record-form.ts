/**
 * A small plain object in few bytes: its key list, then its values in the same order. It ends where its last value ends.
 *
 * bytes of a record · meaning
 * 0                 · how many bytes the keys take, 1 to 255
 * 1                 · the check sum of these bytes, of {@link checkOf}: readers find the list by it among those they know
 * 2…                · the keys: each its length, one byte, and its units, all below 256
 * then              · the values: each a head, one byte, and what the head says
 *
 * | head | value | bytes behind the head |
 * | --- | --- | --- |
 * | 0x01 to 0x07 | as the tags of `byte-form.ts`, but that the 4 bytes of a whole number begin with the lowest | 0, 4 or 8 |
 * | 0x08, 0x09 | a string of units below 256; any other | how many units, one byte; each one byte, or two, the lower first |
 * | 0x0c | an object | its record |
 * | 0x0d | a whole number of 16 bits | 2, the lower first |
 * | 0x0e | an array | how many items, one byte; the items as values |
 * | 0x40 to 0x7f | a string of (head - 0x40) units below 256 | one for each unit |
 * | 0x80 to 0xff | the whole number (head - 0x80) | 0 |
 *
 * The bytes stand for themselves: what writers and readers remember of key lists saves time and changes nothing.
 *
 * Invariant: no key is twice in one list.
 * Invariant: a record gives what `structuredClone` gives of the object.
 */
export const heads = {
  undefined: 0x01,
  null: 0x02,
  false: 0x03,
  true: 0x04,
  int32: 0x05,
  float64: 0x06,
  bigint64: 0x07,
  text8: 0x08,
  text16: 0x09,
  record: 0x0c,
  int16: 0x0d,
  list: 0x0e,
  shortText: 0x40,
  smallInt: 0x80,
} as const

/** The units of a string, and the items of an array, are counted by one byte. */
export const mostCounted = 0xff
/** From here on a string says its length in a byte of its own. */
export const shortTextEnd = heads.smallInt - heads.shortText
export const smallIntEnd = 0x100 - heads.smallInt
/** The bytes that all keys of one list take, each with its length. */
export const mostKeyListBytes = 0xff

/** Says of the bytes of a key list, from `start` to `end`, enough to tell most lists apart. */
export function checkOf(bytes: Uint8Array, start: number, end: number): number {
  let check = end - start
  for (let index = start; index < end; index += 1) check = (Math.imul(check, 31) + (bytes[index] as number)) | 0
  return (check ^ (check >>> 8) ^ (check >>> 16) ^ (check >>> 24)) & 0xff
}

const bare: object = {}

/**
 * Whether a loop over the keys of a plain object sees its own alone. Somebody may have put enumerable ones into
 * `Object.prototype`.
 */
export function objectsAreBare(): boolean {
  for (const _key in bare) return false
  return true
}
