// A process that damages a segment of its own, word by word, and uses what lives in it: only typed errors or answers may come.
//
// argv: count seed. Tells its parent each hundred mutations how far it is, so that a hang is seen, and what went wrong.
import { Segment, SharedArray, SharedDict, SharedList, SharedValue, ThreadSafeCache } from '@heddle/shared-memory'
import {
  AutoResetEvent,
  Barrier,
  Latch,
  ManualResetEvent,
  Mutex,
  ReadWriteLock,
  Semaphore,
  ThreadSafeCounter,
} from '@heddle/sync-primitives'
import { randomOf } from './random.mjs'

const [count, seed] = process.argv.slice(2).map(Number)
const random = randomOf(seed)
const soon = { timeout: 5 }

const segment = Segment.create({ size: 1 << 17, participants: 8 })
const memory = segment

const objects = {
  mutex: [Mutex, new Mutex({ memory })],
  fair: [Mutex, new Mutex({ memory, fair: true })],
  readWrite: [ReadWriteLock, new ReadWriteLock({ memory })],
  semaphore: [Semaphore, new Semaphore(3, { memory })],
  latch: [Latch, new Latch(2, { memory })],
  barrier: [Barrier, new Barrier(2, { memory })],
  manual: [ManualResetEvent, new ManualResetEvent(false, { memory })],
  auto: [AutoResetEvent, new AutoResetEvent(true, { memory })],
  counter: [ThreadSafeCounter, new ThreadSafeCounter(5, { memory })],
  array: [SharedArray, new SharedArray('d', 20, { memory })],
  value: [SharedValue, new SharedValue('i', 7, { memory })],
  dict: [SharedDict, new SharedDict({ memory })],
  list: [SharedList, new SharedList({ memory })],
  cache: [ThreadSafeCache, new ThreadSafeCache({ memory, maxSize: 10 })],
}
for (let n = 0; n < 30; n++) {
  objects.dict[1].set(`key ${n}`, { n, text: 'x'.repeat(n * 3) })
  objects.dict[1].set(n, n * 1.5)
  objects.list[1].append({ n, text: 'y'.repeat(n) })
  objects.cache[1].put(`key ${n}`, n)
}
const handles = Object.fromEntries(Object.entries(objects).map(([name, [, object]]) => [name, object.toHandle()]))
const whole = segment.words.slice()

/** What a user does with each of them. Whatever is awaited or blocked for ends by a time limit. */
const uses = {
  mutex: (mutex) => mutex.acquireSync(soon).release(),
  fair: (mutex) => mutex.acquireSync(soon).release(),
  readWrite: (lock) => {
    lock.acquireReadSync(soon).release()
    lock.acquireWriteSync(soon).release()
  },
  semaphore: (semaphore) => {
    semaphore.acquireSync(soon).release()
    semaphore.getState()
  },
  latch: (latch) => {
    latch.countDown()
    latch.waitSync(soon)
  },
  barrier: (barrier) => barrier.waitSync(soon),
  manual: (event) => {
    event.set()
    event.waitSync(soon)
    event.reset()
  },
  auto: (event) => {
    event.set()
    event.waitSync(soon)
  },
  counter: (counter) => counter.increment(),
  array: (array) => {
    array.set(3, array.get(4) + 1)
    array.getLock().acquireSync(soon).release()
    return [...array].length
  },
  value: (value) => value.add(1),
  dict: (dict) => {
    dict.get('key 3')
    dict.get(7)
    dict.set('key 3', { other: 'x'.repeat(50) })
    dict.update('key 4', (value) => value, soon)
    dict.delete('key 5')
    dict.set('fresh', 1)
    return [...dict].length + dict.size
  },
  list: (list) => {
    list.get(3)
    list.set(4, 'other')
    list.append('more')
    list.insert(2, 'between')
    list.pop()
    return list.slice(0, 5).length + list.length
  },
  cache: (cache) => {
    cache.get('key 25')
    cache.put('key 26', 'x'.repeat(60))
    cache.put('fresh', 1)
    cache.delete('key 27')
    return cache.size()
  },
}
const names = Object.keys(objects)

/** The codes that our errors have. Anything else, an engine's own RangeError say, is a defect. */
const codes = new Set([
  'ERR_BAD_HANDLE',
  'ERR_BARRIER_BROKEN',
  'ERR_ALREADY_OWNED',
  'ERR_CLOSED',
  'ERR_CORRUPT',
  'ERR_NOT_OWNER',
  'ERR_NOT_RECOVERABLE',
  'ERR_OUT_OF_RANGE',
  'ERR_OVER_RELEASE',
  'ERR_OWNER_DIED',
  'ERR_TIMEOUT',
  'ERR_INTERNAL',
  'ERR_TOO_MANY_PARTICIPANTS',
  'ERR_DEADLOCK',
])

function damage() {
  const words = segment.words
  const changes = []
  for (let n = 0, many = 1 + random(3); n < many; n++) {
    // Mostly where something is: the header, the participants and the used areas.
    const index = random(4) === 0 ? random(words.length) : random(usedWords)
    const before = words[index]
    const value = [
      0,
      1,
      -1,
      before + 1,
      before - 1,
      before ^ (1 << random(32)),
      random(2 ** 32) | 0,
      random(words.length),
    ][random(8)]
    words[index] = value
    changes.push(`[${index}] ${before} -> ${words[index]}`)
  }
  return changes
}

const usedWords = (() => {
  for (let index = whole.length - 1; index > 0; index--) if (whole[index] !== 0) return index + 1
  return whole.length
})()

const outcomes = {}
for (let n = 0; n < count; n++) {
  const changes = damage()
  for (let k = 0; k < 3; k++) {
    const name = names[random(names.length)]
    const begun = performance.now()
    if (k === 0 && n % 100 === 0) process.send({ done: n })
    try {
      const [Class, object] = objects[name]
      uses[name](random(2) === 0 ? Class.fromHandle(handles[name]) : object)
      outcomes.answers = (outcomes.answers ?? 0) + 1
    } catch (error) {
      const { code } = error
      if (!codes.has(code)) process.send({ wrong: `${name}: ${error.stack}`, mutation: n, changes })
      outcomes[code] = (outcomes[code] ?? 0) + 1
    }
    const took = performance.now() - begun
    if (took > 2_000) process.send({ wrong: `${name}: took ${took.toFixed(0)} ms`, mutation: n, changes })
  }
  segment.words.set(whole)
}
process.send({ outcomes }, () => process.disconnect())
