import { MAX_WORD_BYTES, Tokenizer } from '@heddle/demo/index-job/tokenizer.js'
import { WordTable } from '@heddle/demo/index-job/word-table.js'
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { countWords, naiveWords } from './support/naive-index.js'
import { wordsOf } from './support/words-of.js'

/** Feeds a text in pieces that end at `cuts`, and hands back to the tokenizer what it leaves, as the reading of files does. */
function tokenize(text: Buffer, cuts: readonly number[] = []) {
  const table = new WordTable()
  const tokenizer = new Tokenizer(table)
  tokenizer.start(table)
  let from = 0
  const ends = [...cuts.filter((cut) => cut < text.length).sort((a, b) => a - b), text.length]
  for (const [index, end] of ends.entries()) {
    const piece = Buffer.from(text.subarray(from, end))
    from += tokenizer.push(piece, piece.length, index === ends.length - 1)
  }
  return { counts: wordsOf(table.view()), words: tokenizer.words, valid: tokenizer.valid, longRuns: tokenizer.longRuns }
}

const isUtf8 = (bytes: Uint8Array) => {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    return true
  } catch {
    return false
  }
}

const piece = fc.oneof(
  { weight: 6, arbitrary: fc.string({ maxLength: 12 }).map((text) => Buffer.from(text)) },
  { weight: 3, arbitrary: fc.string({ unit: 'grapheme', maxLength: 6 }).map((text) => Buffer.from(text)) },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 6 }).map((text) => Buffer.from(text)) },
  {
    weight: 3,
    arbitrary: fc
      .constantFrom('Σ', 'ΟΔΟΣ', 'İ', 'ß', 'ﬁ', 'e\u0301', '\u0301', '٣', '𝔘', 'Ⱥ', '—', '’', '\u{feff}', 'K', ' ')
      .map((text) => Buffer.from(text)),
  },
  { weight: 2, arbitrary: fc.uint8Array({ maxLength: 4 }).map((bytes) => Buffer.from(bytes)) },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom('c3', 'e282', 'f09f98', 'eda080', 'c0af', 'f4908080')
      .map((hex) => Buffer.from(hex, 'hex')),
  },
)
const text = fc.array(piece, { maxLength: 40 }).map((pieces) => Buffer.concat(pieces))
const cuts = fc.array(fc.nat({ max: 300 }), { maxLength: 12 })

describe('the tokenizer', () => {
  test('finds what a regular expression finds, wherever the text is cut', () => {
    fc.assert(
      fc.property(text, cuts, (bytes, places) => {
        const expected = naiveWords(bytes)
        const found = tokenize(bytes, places)
        expect(found.counts).toEqual(countWords(expected))
        expect(found.words).toBe(expected.length)
        expect(found.valid).toBe(isUtf8(bytes))
        expect(found.longRuns).toBe(0)
      }),
      { numRuns: 500 },
    )
  })

  test('does not depend on a cut at any single byte', () => {
    const bytes = Buffer.from('Über 3 Wörter—ΟΔΟΣ, o\u0301 ₂ “don’t” \u{1d518}x12345678901 İ')
    const whole = tokenize(bytes)
    expect(whole.counts).toEqual(countWords(naiveWords(bytes)))
    for (let cut = 0; cut <= bytes.length; cut++) expect(tokenize(bytes, [cut])).toEqual(whole)
  })

  test('takes the characters of all of Unicode as the regular expression does', () => {
    const characters = Array.from({ length: 0x110000 / 32 }, (_, index) =>
      String.fromCodePoint(index * 32 + (index % 32)),
    )
    const bytes = Buffer.from(characters.join(' '))
    expect(tokenize(bytes).counts).toEqual(countWords(naiveWords(bytes)))
  })

  test.each([
    ['ASCII', 'a', 1],
    ['other letters', 'ы', 2],
  ])('takes a run of exactly the longest length for a word and a longer one for none, of %s', (_, letter, width) => {
    const longest = letter.repeat(MAX_WORD_BYTES / width)
    const bytes = Buffer.from(`x ${longest} y ${longest}${letter} z`)
    const expected = new Map([
      ['x', 1],
      [longest, 1],
      ['y', 1],
      ['z', 1],
    ])
    for (const places of [[], [40_000], [MAX_WORD_BYTES + 2], [90_000, 90_001, 120_000], [131_070, 131_076, 131_077]]) {
      const found = tokenize(bytes, places)
      expect(found.longRuns).toBe(1)
      expect(found.words).toBe(4)
      expect(found.counts).toEqual(expected)
    }
  })

  test('counts a run that is too long once, however many pieces it fills and wherever the text ends', () => {
    const bytes = Buffer.from('q'.repeat(MAX_WORD_BYTES * 4))
    expect(tokenize(bytes, [70_000, 140_000, 210_000, bytes.length - 1])).toEqual({
      counts: new Map(),
      words: 0,
      valid: true,
      longRuns: 1,
    })
  })
})
