import { auditStore, check, structureAt } from './audit-store.js'

export function auditList(raw, index) {
  const { blocks, count } = auditStore(raw, index)
  check(count.claim === 0 && count.volatile === 0, 'a list has blocks in a state that is not its own')
  const live = new Set(blocks.live)
  const table = raw[index + structureAt]
  if (table !== 0) {
    check(live.delete(table), 'the table is no block')
    const capacity = ((raw[table] >>> 3) * 4 - 3) >>> 1
    const places = table + 3 + (raw[table + 2] & 1) * capacity
    for (let place = 0; place < raw[table + 2] >>> 1; place++)
      check(live.delete(raw[places + place]), `element ${place} is no block, or in the list twice`)
  }
  check(live.size === 0, 'a block is neither the table nor an element')
  return count.words
}
