import { parentPort } from 'node:worker_threads'
import { decodeValue, type Encoded, encodeThrown, encodeValue } from '@heddle/codec'

/** What the main thread sends. */
export interface Work {
  /** One count in memory that both threads share. */
  readonly booked: Int32Array
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
    Atomics.add(booked, 0, 1)
  }
}

parentPort?.once('message', (message: Encoded) => {
  try {
    parentPort?.postMessage(encodeValue(book(decodeValue(message) as Work), 'thread'))
  } catch (error) {
    parentPort?.postMessage(encodeThrown(error, 'thread'))
  }
})
