import { describe, invalidArgument } from '@heddle/sync-primitives/building-blocks'

/**
 * A key in shared memory: a word that says what it is, and words that hold it.
 *
 * bits   · name · meaning
 * 0, 1   · FORM · 0 LATIN1, one byte a unit; 1 UTF16, two bytes a unit; 2 NUMBER, a float64
 * 2 … 30 · UNITS · how many units the string has
 *
 * Invariant: a key has one form only, so that two keys are the same if their words are: UTF16 is for strings with a unit
 * above 255, 0 is never -0, and NaN has one bit pattern. What is left of the last word is 0.
 */
const LATIN1 = 0
const UTF16 = 1
const NUMBER = 2

const unitsShift = 2
const mostUnits = 2 ** 29 - 1
const numberForm = NUMBER

/** A scratch that is longer than this is not kept. */
const mostKeptWords = 4096

const float = new Float64Array(1)
const floatWords = new Int32Array(float.buffer)

/** How many words a key of this form takes up. Not less than 0, whatever the form. */
export function keyWords(form: number): number {
  const units = form >>> unitsShift
  switch (form & 3) {
    case LATIN1:
      return (units + 3) >>> 2
    case UTF16:
      return (units + 1) >>> 1
    default:
      return 2
  }
}

export function isKeyForm(form: number): boolean {
  return form >= 0 && ((form & 3) <= UTF16 || form === numberForm)
}

/** One key as it stands in shared memory. There is one per thread: it holds what was encoded last. */
export class EncodedKey {
  words = new Int32Array(256)
  /** How many of the words are the key. */
  count = 0
  form = 0
  hash = 0

  /** @throws TypeError `ERR_INVALID_ARG`: neither a string nor a number */
  encode(key: unknown, seed: number): void {
    if (typeof key === 'string') this.#encodeString(key)
    else if (typeof key === 'number') {
      // The sum makes 0 of -0.
      float[0] = Number.isNaN(key) ? Number.NaN : key + 0
      this.words[0] = floatWords[0] as number
      this.words[1] = floatWords[1] as number
      this.count = 2
      this.form = numberForm
    } else throw invalidArgument(`a key must be a string or a number, not ${describe(key)}`)
    this.#hash(seed)
  }

  #encodeString(key: string): void {
    const units = key.length
    if (units > mostUnits) throw invalidArgument('a key must not be that long')
    this.form = (units << unitsShift) | LATIN1
    this.count = (units + 3) >>> 2
    this.#reserve(units)
    const words = this.words
    const whole = units & ~3
    let seen = 0
    let at = 0
    for (let unit = 0; unit < whole; unit += 4) {
      const a = key.charCodeAt(unit)
      const b = key.charCodeAt(unit + 1)
      const c = key.charCodeAt(unit + 2)
      const d = key.charCodeAt(unit + 3)
      seen |= a | b | c | d
      words[at++] = a | (b << 8) | (c << 16) | (d << 24)
    }
    if (whole < units) {
      let word = 0
      for (let unit = whole; unit < units; unit++) {
        const code = key.charCodeAt(unit)
        seen |= code
        word |= code << ((unit & 3) * 8)
      }
      words[at] = word
    }
    if (seen > 255) this.#encodeUtf16(key)
  }

  #encodeUtf16(key: string): void {
    const units = key.length
    this.form = (units << unitsShift) | UTF16
    this.count = (units + 1) >>> 1
    const words = this.words
    for (let at = 0; at < this.count; at++) {
      const unit = at * 2
      words[at] = key.charCodeAt(unit) | (unit + 1 < units ? key.charCodeAt(unit + 1) << 16 : 0)
    }
  }

  #reserve(units: number): void {
    const most = (units + 1) >>> 1
    if (most > this.words.length || (this.words.length > mostKeptWords && most <= mostKeptWords))
      this.words = new Int32Array(Math.max(most, 256))
  }

  /** Steps and end of Austin Appleby's MurmurHash3, https://github.com/aappleby/smhasher, public domain. */
  #hash(seed: number): void {
    const words = this.words
    let hash = seed
    for (let at = 0; at < this.count; at++) {
      let word = Math.imul(words[at] as number, 0xcc9e2d51)
      word = (word << 15) | (word >>> 17)
      hash ^= Math.imul(word, 0x1b873593)
      hash = (hash << 13) | (hash >>> 19)
      hash = (Math.imul(hash, 5) + 0xe6546b64) | 0
    }
    hash ^= this.form
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
    this.hash = hash ^ (hash >>> 16)
  }
}

/** How many units are made a string at a time. */
const unitsAtATime = 4096

/** The key in `words`, which are this thread's own. */
export function decodeKey(words: Int32Array, form: number): string | number {
  if ((form & 3) === NUMBER) {
    floatWords[0] = words[0] as number
    floatWords[1] = words[1] as number
    return float[0] as number
  }
  const units = form >>> unitsShift
  const codes =
    (form & 3) === LATIN1
      ? new Uint8Array(words.buffer, words.byteOffset, units)
      : new Uint16Array(words.buffer, words.byteOffset, units)
  let key = ''
  for (let at = 0; at < units; at += unitsAtATime)
    key += String.fromCharCode(...codes.subarray(at, Math.min(at + unitsAtATime, units)))
  return key
}
