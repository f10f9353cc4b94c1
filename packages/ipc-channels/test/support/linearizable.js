export function isLinearizable(threads, capacity) {
  const seen = new Set()
  const search = (positions, items, closed) => {
    const key = JSON.stringify([positions, items, closed])
    if (seen.has(key)) return false
    seen.add(key)
    const next = threads.map((calls, thread) => calls[positions[thread]])
    if (next.every((call) => call === undefined)) return true
    const firstEnd = Math.min(...next.map((call) => call?.ended ?? Number.POSITIVE_INFINITY))
    return next.some((call, thread) => {
      if (!call || call.begun > firstEnd) return false
      const after = apply(call, items, closed, capacity)
      return after !== undefined && search(positions.with(thread, positions[thread] + 1), after.items, after.closed)
    })
  }
  return search(
    threads.map(() => 0),
    [],
    false,
  )
}

/** The state after the call; undefined: the call would not have had this outcome. */
function apply({ call, item, outcome }, items, closed, capacity) {
  if (call === 'close') return { items, closed: true }
  let expected
  let after = items
  if (call === 'put' || call === 'putSync' || call === 'tryPut') {
    expected = closed ? 'closed' : items.length < capacity
    if (expected === true) after = [...items, item]
  } else if (items.length > 0) {
    expected = items[0]
    after = items.slice(1)
  } else expected = closed ? 'closed' : false
  return outcome === expected ? { items: after, closed } : undefined
}
