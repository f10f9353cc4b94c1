import { sortWords } from '@heddle/demo/index-job/sort-words.js'
import { Tokenizer } from '@heddle/demo/index-job/tokenizer.js'
import { hashOf, WordTable } from '@heddle/demo/index-job/word-table.js'
import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { compareBytes, countWords } from './support/naive-index.js'
import { wordsOf } from './support/words-of.js'

function tableOf(words: readonly string[]): WordTable {
  const table = new WordTable()
  const text = Buffer.from(words.join(' '))
  new Tokenizer(table).push(text, text.length, true)
  return table
}

/** Words of all lengths, many of which share their beginning, their end, or all that the table compares first. */
const word = fc.oneof(
  fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 1, maxLength: 20 }),
  fc.nat({ max: 99_999 }).map((number) => `prefix${number}`),
  fc.nat({ max: 99_999 }).map((number) => `${number}suffix`),
  fc.constantFrom('ж', 'жж', 'жжж', 'жжжж', 'жжжжж', 'é', 'aé'),
)

test('a table holds what a Map holds, also when tables are put together', () => {
  fc.assert(
    fc.property(fc.array(fc.array(word, { maxLength: 60 }), { maxLength: 6 }), (lists) => {
      const sum = new WordTable()
      for (const list of lists) sum.add(structuredClone(tableOf(list).pack()))
      expect(wordsOf(sum.view())).toEqual(countWords(lists.flat()))
    }),
    { numRuns: 150 },
  )
})

test('a table tells two words apart of which all is alike that it compares first', () => {
  // Beginnings with the same hash: the same end makes them words of the same length, hash and last bytes.
  const seen = new Map<number, string>()
  let pair: string[] = []
  for (let number = 1e6; pair.length === 0; number++) {
    const beginning = Buffer.from(String(number * 7_919))
    const hash = hashOf(beginning, 0, beginning.length)
    const other = seen.get(hash)
    if (other?.length === beginning.length) pair = [`${other}same`, `${beginning.toString()}same`]
    seen.set(hash, beginning.toString())
  }
  const [one = '', two = ''] = pair
  expect(hashOf(Buffer.from(one), 0, one.length)).toBe(hashOf(Buffer.from(two), 0, two.length))
  expect(wordsOf(tableOf([one, two, two]).view())).toEqual(
    new Map([
      [one, 1],
      [two, 2],
    ]),
  )
})

test('a table grows with its words and loses none', () => {
  const words = Array.from({ length: 30_000 }, (_, index) => `w${index % 20_000}${'x'.repeat(index % 7)}`)
  const table = tableOf(words)
  expect(wordsOf(table.view())).toEqual(countWords(words))
  table.clear()
  expect(wordsOf(table.view())).toEqual(new Map())
  table.add(tableOf(['again']).view())
  expect(wordsOf(table.view())).toEqual(new Map([['again', 1]]))
})

test('a table tells how often it has a word of another one', () => {
  const table = tableOf(['one', 'two', 'two', 'averylongword'])
  const asked = tableOf(['two', 'three', 'averylongword', 'bverylongword']).view()
  const counts = [...wordsOf(asked).keys()].map((text, index) => [text, table.countOf(asked, index)] as const)
  expect(new Map(counts)).toEqual(
    new Map([
      ['two', 2],
      ['three', 0],
      ['averylongword', 1],
      ['bverylongword', 0],
    ]),
  )
})

test('words are sorted by their bytes', () => {
  fc.assert(
    fc.property(fc.array(word, { maxLength: 200 }), (list) => {
      const words = tableOf(list).view()
      const texts = [...wordsOf(words).keys()]
      expect(Array.from(sortWords(words), (index) => texts[index])).toEqual([...texts].sort(compareBytes))
    }),
    { numRuns: 150 },
  )
})

test('words that share tens of thousands of bytes are sorted without a deep stack', () => {
  const stem = 'x'.repeat(60_000)
  const list = Array.from({ length: 14 }, (_, index) => `${stem}${(index * 5) % 14}`)
  const words = tableOf(list).view()
  const texts = [...wordsOf(words).keys()]
  expect(Array.from(sortWords(words), (index) => texts[index])).toEqual([...texts].sort(compareBytes))
})
