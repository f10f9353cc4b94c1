import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { decodeValue, type Encoded, encodeValue, NotCloneableError, toBytes } from '@heddle/codec'
import type { Work } from './worker.js'

const work: Work = {
  booked: new Int32Array(new SharedArrayBuffer(4)),
  amounts: new Map([
    [1, 20n],
    [2, 5n],
    [3, -1n],
  ]),
}
const worker = new Worker(new URL('./worker.js', import.meta.url))
worker.postMessage(encodeValue(work, 'thread'))
const [answer] = (await once(worker, 'message')) as [Encoded]

const error = decodeValue(answer) as Error & { code: string; order: number }
console.log(`${error}`)
console.log('code and field:', error.code, error.order)
if (error.cause instanceof RangeError) console.log('because:', error.cause.message)
console.log('booked in the worker, counted here:', Atomics.load(work.booked, 0))

// Memory of this process cannot go into bytes that another one reads.
try {
  toBytes([work])
} catch (refusal) {
  if (refusal instanceof NotCloneableError) console.log(refusal.code, refusal.path)
}
