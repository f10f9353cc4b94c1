const states = ['', 'free', 'used', 'live', 'claim', 'volatile', 'end']
const storeAt = 1
/** Where a structure's own words begin, behind those of its store. */
export const structureAt = storeAt + 135

export function check(condition, message) {
  if (!condition) throw new Error(message)
}

export function auditStore(raw, index) {
  const root = index + storeAt
  const blocks = { free: new Set(), used: new Set(), live: new Set(), claim: new Set(), volatile: new Set() }
  let words = 0
  let chunks = 0
  check(raw[root + 1] % 2 === 0, 'the sequence is odd')
  check(raw[root] === 0, 'the lock is taken')
  for (let slot = 0; slot < 32; slot++) {
    const chunk = raw[root + 5 + slot]
    if (chunk === 0) continue
    const size = raw[root + 37 + slot]
    check(raw[chunk] === 0x43686e6b && raw[chunk + 1] === root && raw[chunk + 2] === size, 'a chunk is not whole')
    words += size
    chunks += 1
    let before = 0
    let wasFree = false
    const end = chunk + size - 4
    let block = chunk + 4
    while (block < end) {
      const granules = raw[block] >>> 3
      const state = states[raw[block] & 7]
      check(granules > 0 && state && state !== 'end', `a block at ${block} is nothing`)
      check(raw[block + 1] === before, `the block at ${block} does not know the one before it`)
      check(!(wasFree && state === 'free'), `two free blocks meet at ${block}`)
      blocks[state].add(block)
      wasFree = state === 'free'
      before = granules
      block += granules * 4
    }
    check(block === end && raw[end] === 14 && raw[end + 1] === before, 'a chunk does not end')
  }
  auditBins(raw, root, new Set(blocks.free))
  check(blocks.used.size === 0, 'a block is used by nobody')
  const count = Object.fromEntries(Object.entries(blocks).map(([state, all]) => [state, all.size]))
  return { blocks, count: { ...count, end: chunks, words } }
}

function auditBins(raw, root, free) {
  for (let bin = 0; bin < 64; bin++) {
    let before = 0
    const isFilled = (raw[root + 3 + (bin >> 5)] >>> (bin & 31)) & 1
    check(isFilled === (raw[root + 69 + bin] === 0 ? 0 : 1), `bin ${bin} is not as filled as it says`)
    for (let block = raw[root + 69 + bin]; block !== 0; block = raw[block + 2]) {
      check(free.delete(block), `${block} in bin ${bin} is not free, or is there twice`)
      check(raw[block + 3] === before, `the bin's links do not fit at ${block}`)
      before = block
    }
  }
  check(free.size === 0, 'a free block is in no bin')
}
