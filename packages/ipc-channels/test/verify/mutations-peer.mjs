// A process that damages queues of its own, some words or bytes at a time, and uses them: only typed errors or answers may come.
//
// argv: first case, end, seed, file. The file always has the case that runs, for whoever has to say which one never ended.
import { openSync, writeSync } from 'node:fs'
import { ThreadSafeQueue } from '@heddle/ipc-channels'
import { Segment } from '@heddle/shared-memory'
import { ThreadMemory } from '@heddle/sync-primitives'
import { RECORDS, recordWords } from '../../dist/ring/layout.js'
import { randomOf } from './random.mjs'

const [first, end, seed] = process.argv.slice(2, 5).map(Number)
const file = openSync(process.argv[5], 'w')
const send = (message) => new Promise((resolve) => process.send(message, resolve))

/** The codes that our errors have. Anything else, an engine's own RangeError say, is a defect. */
const codes = new Set([
  'ERR_BAD_HANDLE',
  'ERR_CLOSED',
  'ERR_CORRUPT',
  'ERR_INTERNAL',
  'ERR_OUT_OF_RANGE',
  'ERR_OVER_RELEASE',
  'ERR_PEER_GONE',
  'ERR_TIMEOUT',
])
/** What all garbage before it is collected may take. */
const mostBytes = 200 << 20
/** The largest buffer or array of numbers that one call may make: all queues here are smaller. */
const mostAtOnce = 1 << 20
const mostMs = 2_000

let largest = 0
for (const name of ['ArrayBuffer', 'Int32Array', 'Uint8Array'])
  globalThis[name] = new Proxy(globalThis[name], {
    construct(Class, args, target) {
      if (typeof args[0] === 'number') largest = Math.max(largest, args[0])
      return Reflect.construct(Class, args, target === globalThis[name] ? Class : target)
    },
  })

// One thread in the first: the lock of a slot that nobody has had yet counts as held there.
const memories = [
  ThreadMemory.create({ bytes: 1 << 18, participants: 1 }),
  Segment.create({ size: 1 << 18, participants: 4 }),
]
const item = (n) => ({ n, text: 'x'.repeat((n * 7) % 60), list: [n, -n, `${n}`] })

/** Queues in some states, each with the words that it has then. */
const cases = memories.flatMap((memory) => [
  prepared(memory, { capacity: 4, capacityBytes: 512 }, (queue) => queue.tryPutMany([1, 2, 3].map(item))),
  prepared(memory, { capacity: 1, capacityBytes: 128 }, (queue) => queue.tryPut(item(1))),
  prepared(memory, { capacity: 3, capacityBytes: 256 }, () => {}),
  prepared(memory, { capacity: 5, capacityBytes: 400 }, (queue) => {
    // Wrapped, so that an item lies before an older one.
    for (let n = 0; n < 23; n++) {
      queue.tryPut(item(n))
      if (queue.size > 2) queue.getSync()
    }
  }),
  prepared(memory, { capacity: 16, capacityBytes: 2_048 }, (queue) => {
    queue.tryPutMany(Array.from({ length: 12 }, (_, n) => item(n)))
    queue.tryGetMany(3)
    queue.close()
  }),
  prepared(memory, { capacity: 6, capacityBytes: 600 }, (queue, words, index) => {
    // Just before TAIL and HEAD go below zero.
    for (const [counter, halves] of [[17, 18], [33, 34], [19], [35]]) {
      words[index + counter] = 2 ** 31 - 3
      if (halves) words[index + halves] = 0
    }
    queue.registerProducer()
    queue.registerConsumer()
    queue.tryPutMany([1, 2].map(item))
  }),
])

function prepared(memory, options, prepare) {
  const queue = new ThreadSafeQueue({ ...options, memory })
  const handle = queue.toHandle()
  const { words } = memory
  const { index } = handle
  prepare(queue, words, index)
  const entries = Math.ceil((RECORDS + (memory.slots + 1) * recordWords) / 16) * 16
  const dataFrom = entries + Math.ceil((2 ** Math.ceil(Math.log2(options.capacity)) * 2) / 16) * 16
  const length = dataFrom + Math.ceil(options.capacityBytes / 4)
  return {
    queue,
    handle,
    memory,
    index,
    whole: words.slice(index, index + length),
    /** From, to, and how likely. */
    regions: [
      [1, 10, 5],
      [16, 20, 5],
      [32, 36, 5],
      [RECORDS, RECORDS + (memory.slots + 1) * recordWords, 3],
      [entries, dataFrom, 6],
      [dataFrom, length, 6],
      [0, length, 1],
    ],
  }
}

function damage({ memory, index, regions }, random) {
  const { words } = memory
  const bytes = new Uint8Array(words.buffer, words.byteOffset)
  const changes = []
  const total = regions.reduce((sum, [, , weight]) => sum + weight, 0)
  for (let n = 0, many = 1 + random(6); n < many; n++) {
    let pick = random(total)
    const [from, to] = regions.find(([, , weight]) => {
      pick -= weight
      return pick < 0
    })
    const word = from + random(to - from)
    const at = index + word
    const before = words[at]
    if (random(3) === 0) bytes[at * 4 + random(4)] = random(256)
    else {
      const other = words[index + random(64)]
      words[at] = [
        0,
        1,
        -1,
        before + 1,
        before - 1,
        before ^ (1 << random(32)),
        random(2 ** 32) | 0,
        2 ** 31 - 1,
        other,
        -(2 ** 31),
        random(64),
      ][random(11)]
    }
    changes.push([word, before, words[at]])
  }
  return changes
}

const now = { timeout: 0 }
/** Calls that wait do so for a moment only. */
const uses = {
  putSync: (queue) => queue.putSync(item(5), now),
  putAndWait: (queue) => queue.putSync(item(6), { timeout: 1 }),
  tryPut: (queue) => queue.tryPut(item(7)),
  tryPutMany: (queue) => queue.tryPutMany([8, 9, 10].map(item)),
  putManySync: (queue) => queue.putManySync([11, 12].map(item), now),
  put: (queue) => queue.put(item(13), now),
  putMany: (queue) => queue.putMany([14, 15].map(item), { timeout: 1 }),
  getSync: (queue) => queue.getSync(now),
  getAndWait: (queue) => queue.getSync({ timeout: 1 }),
  tryGet: (queue) => queue.tryGet(),
  tryGetMany: (queue) => queue.tryGetMany(100),
  getManySync: (queue) => queue.getManySync(2, now),
  get: (queue) => queue.get({ timeout: 1 }),
  getMany: (queue) => queue.getMany(3, now),
  taskDone: (queue) => queue.taskDone(2),
  join: (queue) => queue.join(now),
  joinSync: (queue) => queue.joinSync(now),
  getStats: (queue) => Object.values(queue.getStats()).every(isPlausible) || fail('implausible statistics'),
  size: (queue) => (queue.size >= 0 && queue.size <= queue.capacity) || fail(`a size of ${queue.size}`),
  closed: (queue) => queue.closed,
  close: (queue) => queue.close(),
  shutdown: (queue) => queue.shutdown({ immediate: true }),
  register: (queue) => {
    queue.registerProducer().unregister()
    queue.registerConsumer()
  },
}
const names = Object.keys(uses)
// What was counted may be anything, what is inside not.
const isPlausible = (value) => typeof value === 'boolean' || Number.isInteger(value)
function fail(message) {
  throw new Error(message)
}

const outcomes = {}
const tally = (what) => {
  outcomes[what] = (outcomes[what] ?? 0) + 1
}

async function runCase(number) {
  // Each case by its number alone: it can be run again without those before it.
  const random = randomOf(seed + number * 7_919)
  const it = cases[random(cases.length)]
  it.memory.words.set(it.whole, it.index)
  const changes = damage(it, random)
  const calls = Array.from({ length: 3 + random(4) }, () => names[random(names.length)])
  const opens = random(3) === 0
  const about = { number, state: cases.indexOf(it), opens, changes, calls }
  writeSync(file, `${JSON.stringify(about)}${' '.repeat(200)}\n`, 0)
  let { queue } = it
  if (opens)
    try {
      queue = ThreadSafeQueue.fromHandle(it.handle)
    } catch (error) {
      if (!codes.has(error?.code)) await send({ wrong: `fromHandle: ${error?.stack ?? error}`, ...about })
      tally(error?.code)
      return
    }
  for (const call of calls) {
    const begun = performance.now()
    try {
      await uses[call](queue)
      tally('answers')
    } catch (error) {
      if (!codes.has(error?.code)) await send({ wrong: `${call}: ${error?.stack ?? error}`, ...about })
      tally(error?.code)
    }
    if (largest > mostAtOnce) await send({ wrong: `${call}: makes room for ${largest}`, ...about })
    largest = 0
    const took = performance.now() - begun
    if (took > mostMs) await send({ wrong: `${call}: took ${took.toFixed(0)} ms`, ...about })
  }
}

const maxRss = () => process.resourceUsage().maxRSS * 1_024
const before = maxRss()
for (let number = first; number < end; number++) {
  await runCase(number)
  if (number % 100 === 0 && maxRss() - before > mostBytes) {
    await send({ wrong: `${((maxRss() - before) >> 20).toFixed(0)} MiB were taken`, number })
    break
  }
}
await send({ outcomes, isDone: true })
process.disconnect()
