import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import { BareRing, EMPTY } from './bare-ring.js'
import { newQueue } from './heddle.js'

type Loop = (calls: number) => Promise<unknown>

const capacity = 1000
/** Items in a row that one side of `tryPut` and `tryGet` puts before the other one takes them. */
const burst = 100

export function heddleAwaited(): Loop {
  const queue = newQueue<number>(capacity)
  return async (calls) => {
    const produce = async () => {
      for (let n = 0; n < calls; n++) await queue.put(n)
    }
    let sum = 0
    const consume = async () => {
      for (let n = 0; n < calls; n++) sum += await queue.get()
    }
    await Promise.all([produce(), consume()])
    check(sum, calls)
  }
}

export function ringAwaited(): Loop {
  const queue = new BareRing<number>(capacity)
  return async (calls) => {
    const produce = async () => {
      for (let n = 0; n < calls; n++) await queue.put(n)
    }
    let sum = 0
    const consume = async () => {
      for (let n = 0; n < calls; n++) sum += await queue.get()
    }
    await Promise.all([produce(), consume()])
    check(sum, calls)
  }
}

/** A stream of objects: its writable and its readable half have room for half of the items each. */
export function passThrough(): Loop {
  return async (calls) => {
    const stream = new PassThrough({ objectMode: true, highWaterMark: capacity / 2 })
    const produce = async () => {
      for (let n = 0; n < calls; n++) if (!stream.write(n)) await once(stream, 'drain')
      stream.end()
    }
    let sum = 0
    const consume = async () => {
      for await (const item of stream) sum += item
    }
    await Promise.all([produce(), consume()])
    check(sum, calls)
  }
}

export function heddleTried(): Loop {
  const queue = newQueue<number>(capacity)
  return async (calls) => {
    let sum = 0
    for (let done = 0; done < calls; done += burst) {
      const until = Math.min(done + burst, calls)
      for (let n = done; n < until; n++) if (!queue.tryPut(n)) throw new Error('the queue was full')
      for (let n = done; n < until; n++) {
        const got = queue.tryGet()
        if (got === undefined) throw new Error('the queue was empty')
        sum += got.item
      }
    }
    check(sum, calls)
  }
}

export function ringTried(): Loop {
  const queue = new BareRing<number>(capacity)
  return async (calls) => {
    let sum = 0
    for (let done = 0; done < calls; done += burst) {
      const until = Math.min(done + burst, calls)
      for (let n = done; n < until; n++) if (!queue.tryPut(n)) throw new Error('the ring was full')
      for (let n = done; n < until; n++) {
        const got = queue.tryGet()
        if (got === EMPTY) throw new Error('the ring was empty')
        sum += got
      }
    }
    check(sum, calls)
  }
}

function check(sum: number, calls: number): void {
  if (sum !== (calls * (calls - 1)) / 2) throw new Error('lost items')
}
