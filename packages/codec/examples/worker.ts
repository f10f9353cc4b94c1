import { parentPort } from 'node:worker_threads'
import { decodeValue, type Encoded, encodeThrown, encodeValue } from '@heddle/codec'
import type { ThreadSafeCounter } from '@heddle/sync-primitives'
import '@heddle/sync-primitives' // Its import is what lets this thread open a counter.

/** What the main thread sends. */
export interface Work {
  readonly booked: ThreadSafeCounter
  readonly amounts: ReadonlyMap<number, bigint>
}

class OrderError extends Error {
  readonly code = 'ERR_ORDER'
  readonly order: number

  constructor(order: number, cause: unknown) {
    super(`order ${order} was not booked`, { cause })
    this.name = 'OrderError'
    this.order = order
  }
}

function book({ booked, amounts }: Work): void {
  for (const [order, amount] of amounts) {
    if (amount < 0n) throw new OrderError(order, new RangeError(`${amount} is less than nothing`))
    booked.increment()
  }
}

parentPort?.once('message', (message: Encoded) => {
  try {
    parentPort?.postMessage(encodeValue(book(decodeValue(message) as Work), 'thread'))
  } catch (error) {
    parentPort?.postMessage(encodeThrown(error, 'thread'))
  }
})
