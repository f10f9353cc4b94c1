import { Mutex } from '@heddle/sync-primitives'
import { charged } from '../../batches.js'
import type { Batches, Contenders } from '../../duels/batched.js'
import { Peer } from './peer.js'
import { newSegment } from './segment.js'

const segmentBytes = 1 << 16

/** A lock in a segment and a lock of threads, each in a process that knows no other memory. */
export async function locksApart(): Promise<Contenders> {
  const segment = newSegment(segmentBytes)
  const [inSegment, ofThreads] = await Promise.all([
    Peer.start([{ job: 'lock', segment: segment.toHandle() }]),
    Peer.start([{ job: 'lock' }]),
  ])
  const side = (peer: Peer): Batches => ({ batch: (calls) => peer.run({ which: 0, calls }) })
  const close = async () => {
    await Promise.all([inSegment.close(), ofThreads.close()])
    segment.close()
  }
  return { ours: { ...side(inSegment), close }, rival: side(ofThreads), version: process.version }
}

/** The same two locks in this process: one code serves both memories. */
export async function locksTogether(): Promise<Contenders> {
  const { memory, close } = inSegment()
  return {
    ours: { batch: charged(lockingOnce(new Mutex({ memory }))), close },
    rival: { batch: charged(lockingTwice(new Mutex())) },
    version: process.version,
  }
}

/** A lock in a segment, and the least that a lock can be, on a word of it. */
export async function lockBesideBare(): Promise<Contenders> {
  const { memory, close } = inSegment()
  const index = memory.allocate(1)
  return {
    ours: { batch: charged(lockingOnce(new Mutex({ memory }))), close },
    rival: { batch: charged(barePair(memory.words, index)) },
    version: process.version,
  }
}

/** Atomics.add on a word that lies in a file, and on one that does not. */
export async function additions(): Promise<Contenders> {
  const { memory, close } = inSegment()
  const plain = new Int32Array(new SharedArrayBuffer(memory.size))
  const index = memory.allocate(1)
  return {
    ours: { batch: charged(addingMapped(memory.words, index)), close },
    rival: { batch: charged(addingPlain(plain, index)) },
    version: process.version,
  }
}

function inSegment() {
  const memory = newSegment(segmentBytes)
  return { memory, close: () => memory.close() }
}

function lockingOnce(mutex: Mutex) {
  return (calls: number) => {
    for (let n = 0; n < calls; n++) {
      const guard = mutex.acquireSync()
      guard.release()
    }
  }
}

// One function each, so that each loop is compiled for its own contender.
function lockingTwice(mutex: Mutex) {
  return (calls: number) => {
    for (let n = 0; n < calls; n++) {
      const guard = mutex.acquireSync()
      guard.release()
    }
  }
}

function barePair(words: Int32Array, index: number) {
  return (calls: number) => {
    for (let n = 0; n < calls; n++) {
      if (Atomics.compareExchange(words, index, 0, 1) !== 0) throw new Error('the word was taken')
      Atomics.store(words, index, 0)
    }
  }
}

function addingMapped(words: Int32Array, index: number) {
  return (calls: number) => {
    for (let n = 0; n < calls; n++) Atomics.add(words, index, 1)
  }
}

function addingPlain(words: Int32Array, index: number) {
  return (calls: number) => {
    for (let n = 0; n < calls; n++) Atomics.add(words, index, 1)
  }
}
