import { setTimeout } from 'node:timers/promises'
import type { DuelRunner } from '../../arena.js'
import type { Side } from '../../batches.js'
import { bareMoves } from '../../peers/pool/bare.js'
import { newThreads } from '../../peers/pool/heddle.js'
import { lengthOf } from '../../peers/pool/heddle-tasks.js'
import * as tinypool from '../../peers/pool/tinypool.js'
import { median } from '../../statistics.js'
import { batched } from '../batched.js'

type Shared = ArrayBufferView<SharedArrayBuffer>
type Bytes = ArrayBuffer | Shared

/** Hands bytes to a task, which answers with their number. */
type Send<Kind extends Bytes> = (bytes: Kind) => Promise<number>

interface Sender<Kind extends Bytes> {
  readonly send: Send<Kind>
  readonly close: () => Promise<unknown>
}

const own = { calls: 5, batches: 2 }
const restMs = 20
const large = 100_000_000
const small = 1

const shared = {
  large: sameEachTime((): Shared => new Float64Array(new SharedArrayBuffer(large))),
  small: sameEachTime((): Shared => new Uint8Array(new SharedArrayBuffer(small))),
}
/** Each is gone once it was sent. */
const moved = { large: () => new ArrayBuffer(large), small: () => new ArrayBuffer(small) }

/** What the size of an argument adds, where nothing has to be copied. */
export const argumentDuels: Readonly<Record<string, DuelRunner>> = {
  'big-argument/one-byte': besideOneByte(heddle, shared),
  'big-argument/tinypool': besideTinypool(heddle, false, shared.large),
  'big-argument-transferred/bare': async (sizes) => {
    const { send, close } = heddleMoving()
    const bare = bareMoves()
    return await batched(
      async () => ({ version: process.version, batch: sending(bare.move, moved.large), close: bare.close }),
      () => ({ batch: sending(send, moved.large), close }),
      own,
    )(sizes)
  },
  'big-argument-transferred/one-byte': besideOneByte(heddleMoving, moved),
  'big-argument-transferred/tinypool': besideTinypool(heddleMoving, true, moved.large),
}

/** Large and small go through the same pool. */
function besideOneByte<Kind extends Bytes>(
  start: () => Sender<Kind>,
  make: { large: () => Kind; small: () => Kind },
): DuelRunner {
  return async (sizes) => {
    const { send, close } = start()
    return await batched(
      async () => ({ version: process.version, batch: sending(send, make.small) }),
      () => ({ batch: sending(send, make.large), close }),
      own,
    )(sizes)
  }
}

function besideTinypool<Kind extends Bytes>(start: () => Sender<Kind>, moving: boolean, make: () => Kind): DuelRunner {
  return batched(
    async () => {
      const { pool, version } = await tinypool.newThreads(1, 'length-of')
      const send: Send<Kind> = (bytes) => pool.run(bytes, moving ? { transferList: [bytes as ArrayBuffer] } : {})
      return { version, batch: sending(send, make), close: () => pool.destroy() }
    },
    () => {
      const { send, close } = start()
      return { batch: sending(send, make), close }
    },
    own,
  )
}

function heddle(): Sender<Shared> {
  const pool = newThreads(1)
  return { send: (bytes) => pool.run(lengthOf, [bytes]), close: () => pool.drain() }
}

function heddleMoving(): Sender<ArrayBuffer> {
  const pool = newThreads(1)
  return { send: (bytes) => pool.run(lengthOf, [bytes], { transfer: [bytes] }), close: () => pool.drain() }
}

/**
 * One at a time, by the clock, which starts some time after the bytes were made: V8 collects garbage whenever a hundred megabytes
 * come or go, and what making them starts is no part of sending them. The median call stands for all of the batch.
 */
function sending<Kind extends Bytes>(send: Send<Kind>, make: () => Kind): Side['batch'] {
  return async (calls) => {
    const times: number[] = []
    for (let n = 0; n < calls; n++) {
      const bytes = make()
      const size = bytes.byteLength
      await setTimeout(restMs)
      const begun = performance.now()
      const answer = await send(bytes)
      times.push((performance.now() - begun) * 1000)
      if (answer !== size) throw new Error('bytes were lost')
    }
    const all = median(times) * calls
    return { cpu: all, wall: all }
  }
}

function sameEachTime<Value>(make: () => Value): () => Value {
  let value: Value | undefined
  return () => {
    value ??= make()
    return value
  }
}
