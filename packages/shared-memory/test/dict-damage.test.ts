import { SharedDict } from '@heddle/shared-memory'
import { ThreadMemory } from '@heddle/sync-primitives'
import { describe, expect, test } from '@jest/globals'
import { auditDict } from './support/audit-dict.js'
import { outcomeOf } from './support/outcome.js'

const nonsense = [-1, 1, 3, 77, 12_345_677, 2 ** 31 - 1, -(2 ** 31), 0x55555555]

const keys = Array.from({ length: 30 }, (_, n) => (n % 3 === 0 ? n : `key ${n}`))

function damagedDict() {
  const memory = ThreadMemory.create({ bytes: 32_768, participants: 2 })
  const dict = new SharedDict<number | string>({ memory })
  const map = new Map<string | number, number | string>()
  for (const [at, key] of keys.entries()) {
    const value = at % 4 === 0 ? 'v'.repeat(at * 10) : at
    dict.set(key, value)
    map.set(key, value)
  }
  for (const key of keys.slice(5, 12)) {
    dict.delete(key)
    map.delete(key)
  }
  return { words: memory.words, dict, map, index: dict.toHandle().index }
}

/** Every method once, on the dict and on the map: the outcome of the first, and what would be right. */
function* everything(dict: SharedDict<number | string>, map: Map<string | number, number | string>) {
  for (const key of [0, 'key 1', 'key 8', 'key 29', 'not there']) {
    yield [outcomeOf(() => dict.get(key)), { returned: map.get(key) }]
    yield [outcomeOf(() => dict.has(key)), { returned: map.has(key) }]
  }
  yield [outcomeOf(() => dict.size), { returned: map.size }]
  const change = (call: () => unknown, same: () => unknown) => {
    const outcome = outcomeOf(call)
    if (!(outcome instanceof Error)) return [outcome, { returned: same() }]
    // It may have been done or not. Once more, and it has.
    if (!(outcomeOf(call) instanceof Error)) same()
    return [outcome, undefined]
  }
  yield change(
    () => dict.set('key 1', 5) && 0,
    () => map.set('key 1', 5) && 0,
  )
  yield change(
    () => dict.set('new', 'n'.repeat(300)) && 0,
    () => map.set('new', 'n'.repeat(300)) && 0,
  )
  yield change(
    () => dict.delete('key 16'),
    () => map.delete('key 16'),
  )
  yield change(
    () => dict.update(3, () => 'u'.repeat(200)),
    () => map.set(3, 'u'.repeat(200)) && 'u'.repeat(200),
  )
  yield [outcomeOf(() => new Map(dict)), { returned: map }]
}

const codeOf = (outcome: unknown) => (outcome instanceof Error ? (outcome as { code?: unknown }).code : undefined)

describe('a word that can be made again holds nonsense', () => {
  const { words, index } = damagedDict()
  const root = index + 1
  const dictRoot = root + 135
  const places = new Map<string, number>()
  for (let at = 3; at < 5; at++) places.set(`which bins are filled, ${at}`, root + at)
  for (let bin = 0; bin < 64; bin++) if (words[root + 69 + bin] !== 0) places.set(`bin ${bin}`, root + 69 + bin)
  places.set('the table', dictRoot + 10).set('the count', dictRoot + 11)
  const table = ((words[dictRoot + 10] as number) >>> 5) * 4
  for (let bucket = 0; bucket < 8; bucket++) places.set(`bucket ${bucket}`, table + 2 + bucket)
  const first = (words[root + 5] as number) + 4
  for (let block = first, at = 0; at < 12; block += ((words[block] as number) >>> 3) * 4, at++) {
    places.set(`the size before block ${at}`, block + 1)
    if (((words[block] as number) & 7) !== 5) places.set(`the first link of block ${at}`, block + 2)
    if (((words[block] as number) & 7) === 1) places.set(`the second link of block ${at}`, block + 3)
  }

  test.each([...places])('%s: each answer is right or an ERR_CORRUPT, and soon all are right', (_, place) => {
    for (const value of nonsense) {
      const { words, dict, map, index } = damagedDict()
      const isPossibleCount = place === dictRoot + 11 && value >= 0 && value < words.length / 4
      if (words[place] === value || isPossibleCount) continue
      words[place] = value
      for (const [outcome, right] of everything(dict, map))
        expect(outcome instanceof Error ? codeOf(outcome) : outcome).toEqual(
          outcome instanceof Error ? 'ERR_CORRUPT' : right,
        )
      // What nobody has come across is found by the next one that does; here all is made again.
      words[index + 2] = (words[index + 2] as number) | 1
      dict.keys()
      expect(new Map(dict)).toEqual(map)
      expect(auditDict(words, index)).toMatchObject({ live: map.size })
    }
  })
})

test('any word of the dict and its entries holds nonsense: each call ends, with a value or one of our errors', () => {
  const { words, index } = damagedDict()
  const root = index + 1
  const chunk = words[root + 5] as number
  const places = new Set<number>()
  for (let at = root; at < root + 150; at++) places.add(at)
  for (let at = chunk; at < chunk + 140; at++) places.add(at)
  const codes = new Set<unknown>()
  for (const place of places)
    for (const value of [nonsense[place % 3], nonsense[3 + (place % 5)]] as number[]) {
      const damaged = damagedDict()
      damaged.words[place] = value
      for (let round = 0; round < 2; round++)
        for (const [outcome] of everything(damaged.dict, damaged.map))
          if (outcome instanceof Error) codes.add(codeOf(outcome))
      codes.add(codeOf(outcomeOf(() => damaged.dict.clear())))
    }
  const ours = ['ERR_CORRUPT', 'ERR_CLOSED', 'ERR_INTERNAL', 'ERR_ALREADY_OWNED', 'ERR_OUT_OF_RANGE', undefined]
  expect([...codes].filter((code) => !ours.includes(code as string))).toEqual([])
  expect(codes).toContain('ERR_CORRUPT')
})
