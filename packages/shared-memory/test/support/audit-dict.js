import { auditStore, check, structureAt } from './audit-store.js'

export function auditDict(raw, index) {
  const { blocks, count } = auditStore(raw, index)
  const entries = new Set([...blocks.live, ...blocks.claim])
  const linked = new Set()
  const dict = index + structureAt
  const table = raw[dict + 10]
  const tableBlock = (table >>> 5) * 4
  const [first] = blocks.volatile
  check(blocks.volatile.size <= 1 && (first ?? dict) === tableBlock, 'there is not one table')
  for (let bucket = 0; bucket < 2 ** (table & 31); bucket++)
    for (let entry = raw[tableBlock + 2 + bucket]; entry !== 0; entry = raw[entry + 2]) {
      check(entries.has(entry) && !linked.has(entry), `${entry} is no entry, or is linked twice`)
      check((raw[entry + 3] & (2 ** (table & 31) - 1)) === bucket, `${entry} is in the wrong bucket`)
      linked.add(entry)
    }
  check(linked.size === entries.size, 'an entry is in no bucket')
  check(raw[dict + 11] === count.live, 'the count is wrong')
  return count
}
