import { auditDict } from './audit-dict.js'
import { check, structureAt } from './audit-store.js'

/** Its own words follow those of the dict that it extends. */
const cacheAt = structureAt + 15
const tailWords = 5

const float = new Float64Array(1)
const floatWords = new Int32Array(float.buffer)

function keyWords(form) {
  const units = form >>> 2
  return (form & 3) === 0 ? (units + 3) >> 2 : (form & 3) === 1 ? (units + 1) >> 1 : 2
}

function readEntry(raw, entry) {
  const tail = entry + (raw[entry] >>> 3) * 4 - tailWords
  const count = ((raw[entry + 6] >>> 1) + 3) >>> 2
  const begin = raw[entry + 6] & 1 ? tail - count - 2 : entry + 9 + keyWords(raw[entry + 5])
  floatWords[0] = raw[begin + count]
  floatWords[1] = raw[begin + count + 1]
  return {
    tail,
    expiry: float[0],
    used: keyWords(raw[entry + 5]) + count,
    order: (raw[entry + 8] >>> 11) * 2 ** 32 + (raw[entry + 7] >>> 0),
  }
}

export function auditCache(raw, index) {
  const counts = auditDict(raw, index)
  const root = index + cacheAt
  const seen = new Set()
  let used = 0
  let expiring = 0
  let before = 0
  let order = -1
  for (let entry = raw[root + 1]; entry !== 0; ) {
    const { tail, expiry, used: words, order: now } = readEntry(raw, entry)
    check(!seen.has(entry), `${entry} is twice in the list`)
    check((raw[entry] & 7) === 3, `${entry} in the list is not live`)
    check(raw[tail] === before, `${entry} does not know which one is older`)
    check(now > order, `${entry} is in the wrong place of the list`)
    seen.add(entry)
    used += words
    if (expiry !== 0) expiring += 1
    order = now
    before = entry
    entry = raw[tail + 1]
  }
  check(raw[root] === before, 'the newest entry is not the last one')
  check(seen.size === counts.live, 'an entry is in no list')
  check(raw[root + 3] === used, 'the sum of words is wrong')
  let inHeap = 0
  const visit = (entry, before, least) => {
    for (let previous = before; entry !== 0; ) {
      const { tail, expiry } = readEntry(raw, entry)
      check(seen.has(entry) && expiry !== 0 && expiry >= least, `${entry} is in the wrong place of the heap`)
      check(raw[tail + 4] === previous, `${entry} does not know what is before it in the heap`)
      check(++inHeap <= expiring, 'the heap does not end')
      visit(raw[tail + 2], entry, expiry)
      previous = entry
      entry = raw[tail + 3]
    }
  }
  visit(raw[root + 2], 0, 0)
  check(inHeap === expiring, 'an entry that expires is in no heap')
  return counts
}
