import { SharedList } from '@heddle/shared-memory'
import { expect, test } from '@jest/globals'
import { auditList } from './support/audit-list.js'
import { Deathbed } from './support/deathbed.js'
import { outcomeOf } from './support/outcome.js'

const corrupt = expect.objectContaining({ name: 'CorruptError', code: 'ERR_CORRUPT' })

const sequenceAt = 2
const tableAt = 136

/** A list, and where the words are that hold it. */
function newList<Value>(values: Value[]) {
  const bed = new Deathbed<SharedList<Value>>(SharedList, 4096)
  const list = SharedList.from(values, { memory: bed.memory })
  const handle = list.toHandle()
  const { raw } = bed
  const table = raw[handle.index + tableAt] as number
  const placesAt = table + 3
  return {
    bed,
    raw,
    list,
    handle,
    placesAt,
    elementAt: (place: number) => raw[placesAt + place] as number,
    /** As if somebody had died inside: the next one repairs. */
    die: () => {
      raw[handle.index + sequenceAt] = (raw[handle.index + sequenceAt] as number) + 1
    },
  }
}

test('an element whose block does not count is found damaged, by each method that meets it', () => {
  for (const method of ['get', 'pop'] as const) {
    const { list, raw, elementAt } = newList(['a', 'b', 'c'])
    const head = elementAt(1)
    raw[head] = ((raw[head] as number) & ~7) | 2
    expect(outcomeOf(() => list[method](1))).toEqual(corrupt)
  }
})

test('damage to what can be made again is found once, and repaired by the next one', () => {
  const { list, raw, handle } = newList(['a', 'b', 'c'])
  const binsAt = handle.index + 1 + 69
  for (let bin = 0; bin < 64; bin++) if (raw[binsAt + bin] !== 0) raw[binsAt + bin] = handle.index
  expect(outcomeOf(() => list.append('d'))).toEqual(corrupt)
  expect(list.append('d')).toBe(4)
  expect(list.toArray()).toEqual(['a', 'b', 'c', 'd'])
  auditList(raw, handle.index)
})

test('two places of one block are found by a repair', () => {
  const { list, raw, placesAt, elementAt, die } = newList(['a', 'b', 'c'])
  raw[placesAt + 2] = elementAt(0)
  die()
  expect(outcomeOf(() => list.toArray())).toEqual(corrupt)
})

test('a place in the middle of a block is found by a repair, whatever the value there looks like', () => {
  // A head of one block of 4 words that counts, and a length of 1.
  const like = '\x0b\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0'
  let found = 0
  for (let shift = 0; shift < 16; shift++) {
    const { list, raw, placesAt, elementAt, die } = newList([0, `${'x'.repeat(shift)}${like.repeat(4)}`])
    const whole = elementAt(1)
    let inside = whole + 4
    while (inside < whole + 16 && !(raw[inside] === 11 && raw[inside + 2] === 1)) inside += 4
    if (inside >= whole + 16) continue
    found += 1
    raw[placesAt] = inside
    die()
    expect(outcomeOf(() => list.length)).toEqual(corrupt)
  }
  expect(found).toBeGreaterThan(0)
})

test('damage that is undone leaves nothing behind with the one who met it', () => {
  const { bed, list, raw, handle, elementAt, die } = newList(['a', 'b'])
  // The free block at the end of the chunk: the repair comes to it last.
  const free = elementAt(1) + ((raw[elementAt(1)] as number) >>> 3) * 4
  const table = raw[handle.index + tableAt] as number
  const last = Math.max(free, table + ((raw[table] as number) >>> 3) * 4)
  const head = raw[last] as number
  expect(head & 7).toBe(1)
  raw[last] = head | 7
  die()
  expect(outcomeOf(() => list.length)).toEqual(corrupt)
  raw[last] = head
  const other = bed.heirOf(handle)
  other.append('c')
  die()
  expect(list.toArray()).toEqual(['a', 'b', 'c'])
  auditList(raw, handle.index)
})
