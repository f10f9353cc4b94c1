import { ILLEGAL } from '@heddle/interleave'

/**
 * A bounded queue, one call after the other, and what recorded calls say about it.
 *
 * `items` of a state are what is inside; `batches` has how many items of each `putMany` that is under way were put, since these
 * go in one by one and in their order.
 */
export function queueModel(capacity) {
  return {
    initial: { items: [], closed: false, batches: {} },
    keyOf: ({ items, closed, batches }) => `${closed}|${items}|${JSON.stringify(batches)}`,
    step(state, input) {
      const { items, closed } = state
      const place = input.batch === undefined ? 0 : (state.batches[input.batch] ?? 0)
      if (input.batch !== undefined && place !== input.place) return ILLEGAL
      switch (input.what) {
        case 'put':
          if (closed || items.length + input.items.length > capacity) return ILLEGAL
          return {
            items: [...items, ...input.items],
            closed,
            batches: input.batch === undefined ? state.batches : { ...state.batches, [input.batch]: place + 1 },
          }
        case 'full':
          return !closed && items.length === capacity ? state : ILLEGAL
        case 'take':
          if (input.items.some((item, n) => item !== items[n])) return ILLEGAL
          return { ...state, items: items.slice(input.items.length) }
        case 'empty':
          return !closed && items.length === 0 ? state : ILLEGAL
        case 'put refused':
          return closed ? state : ILLEGAL
        case 'take refused':
          return closed && items.length === 0 ? state : ILLEGAL
        case 'close':
          return { ...state, closed: true }
        case 'shutdown':
          return `${input.items}` === `${items}` ? { ...state, items: [], closed: true } : ILLEGAL
      }
    },
  }
}

/** What one recorded call did to the queue, as operations that the model knows. */
export function operationsOf({ call, items, outcome, begun, ended }, id) {
  const operation = (input) => ({ input: { call, ...input }, call: begun, return: ended })
  if (call === 'close') return [operation({ what: 'close' })]
  if (call === 'shutdown') return [operation({ what: 'shutdown', items: outcome })]
  if (!call.toLowerCase().includes('put')) {
    if (outcome === 'closed') return [operation({ what: 'take refused' })]
    return [operation(outcome.length === 0 ? { what: 'empty' } : { what: 'take', items: outcome })]
  }
  const putMany = call === 'putMany' || call === 'putManySync'
  if (putMany) {
    // Item by item. If it was refused, nobody has said how many were put before.
    const known = outcome === 'closed' ? items.length : outcome
    const operations = items
      .slice(0, known)
      .map((item, place) => operation({ what: 'put', items: [item], batch: id, place }))
    if (outcome === 'closed') {
      for (const each of operations) each.return = undefined
      operations.push(operation({ what: 'put refused' }))
    } else if (outcome < items.length) operations.push(operation({ what: 'full', batch: id, place: outcome }))
    return operations
  }
  if (outcome === 'closed') return [operation({ what: 'put refused' })]
  // Not always as many as had room: some may become free while others are put.
  return [operation(outcome === 0 ? { what: 'full' } : { what: 'put', items: items.slice(0, outcome) })]
}
