import { type CheckpointValue, checkpoint, type Steps } from '@heddle/interleave'
import { lockBriefly, unlock } from '@heddle/sync-primitives/building-blocks'
import * as layout from '../../build/ring/layout.js'
import * as outcomes from '../../build/ring/outcomes.js'
import { asSteps } from './as-steps.ts'
import type { ModelRow } from './model-row.ts'
import { within } from './within.ts'

const { EMPTY, FULL, OVER } = outcomes
const { DONE, HEAD, ITEMS, PRODUCERS, PUT_LOCK, RECORDS, ROOM, TAIL, TAKE_LOCK, recordWords } = layout

const dist = (file: string) => new URL(file, new URL('../../build/ring/', import.meta.url))
const {
  put,
  putMany,
  take,
  takeMany,
  takeAllAndClose,
  close,
  finish,
  countUnfinished,
  register,
  unregister,
  sideState,
  signal,
  signalEverybody,
  waitUntil,
  ALL_DONE,
  LEFT,
  DIED,
} = asSteps(['counts.js', 'entries.js', 'records.js', 'ring.js', 'signal.js'].map(dist), { ...layout, ...outcomes })

/** As many participants as a model has threads. */
const slots = 3
/** The word of the highest slot that was ever taken: one that the layout leaves free. */
const HIGHEST = 15

/** A queue in memory that begins with it, of items that are one number each. */
function queueOf(capacity: number, dataWords: number) {
  const parts = layout.partsOf(slots, capacity, dataWords * 4)
  const memory = Array.from({ length: parts.end }, () => 0)
  memory[HIGHEST] = slots
  return { capacity, dataWords, entries: parts.entries, mask: parts.mask, data: parts.data, memory }
}

type Queue = ReturnType<typeof queueOf>

/**
 * What one thread has of it.
 *
 * @param context - all that its program has to remember from one call to the next; the checkpoints in here add the rest, and
 * make the exploration small: the way to one of them does not matter any more
 */
function open(queue: Queue, participant: number, context: () => readonly CheckpointValue[]) {
  /** What it is doing, whether it waits for it, and the word that it is about to sleep for. */
  let [label, phase, armed] = ['', 'now', 0]
  const found: number[] = []
  const past = (...more: readonly CheckpointValue[]) => [...context(), label, phase, armed, ...found, ...more]
  const lock = (index: number) => ({
    lock: () => within(past('locking', index), lockBriefly(index, participant)),
    unlock: () => unlock(index),
  })
  const memory = {
    highestSlotIndex: HIGHEST,
    slots,
    *notify(index: number, count: number): Steps<void> {
      yield { op: 'notify', index, count }
    },
    *isDead(other: number): Steps<number> {
      return yield { op: 'isDead', participant: other }
    },
  }
  const ring = {
    index: 0,
    capacity: queue.capacity,
    entries: queue.entries,
    mask: queue.mask,
    dataWords: queue.dataWords,
    record: RECORDS + participant * recordWords,
    generation: 0,
    putLock: lock(PUT_LOCK),
    takeLock: lock(TAKE_LOCK),
  }
  const sourceOf = (item: number, words = 1) => ({
    byteLength: words * 4,
    *writeAt(start: number): Steps<void> {
      for (let word = 0; word < words; word++) yield { op: 'store', index: queue.data + start + word, value: item }
    },
  })
  const target = {
    *prepare(): Steps<void> {
      found.length = 0
      yield* []
    },
    *readFrom(start: number, byteLength: number): Steps<void> {
      const first = yield { op: 'load', index: queue.data + start }
      for (let word = 1; word < byteLength / 4; word++)
        if ((yield { op: 'load', index: queue.data + start + word }) !== first) throw new Error('a torn item')
      found.push(first)
    },
  }

  /** One operation under locks. After it, nothing of the way there matters. */
  function* perform<Outcome extends CheckpointValue>(what: string, steps: () => Steps<Outcome>): Steps<Outcome> {
    label = what
    found.length = 0
    const outcome = yield* steps()
    yield checkpoint(past('came to', outcome))
    return outcome
  }

  /** Waits as the drivers do, and keeps in mind what the algorithm does. */
  function* waiting<Result>(index: number, attempt: () => Steps<Result>, isMore: () => Steps<boolean>): Steps<Result> {
    const steps: Steps<Result> = waitUntil(memory, index, attempt, isMore)
    let next = steps.next()
    while (!next.done) {
      const step = next.value
      if (step.op === 'checkpoint' && step.state === 'wait until') {
        ;[label, phase, armed] = ['', 'arming', 0]
        found.length = 0
        yield checkpoint(past())
        next = steps.next(0)
        continue
      }
      const seen: number = yield step
      if (phase === 'arming' && step.op === 'load' && step.index === index && seen & 1) [phase, armed] = ['armed', seen]
      if (phase === 'arming' && step.op === 'compareExchange' && seen === step.expected)
        [phase, armed] = ['armed', step.value]
      if (step.op === 'wait' && seen === 1) [phase, armed] = ['last', 0]
      next = steps.next(seen)
    }
    return next.value
  }

  function* attemptPut(item: number, words: number): Steps<true | undefined | 'closed'> {
    const outcome = yield* perform('put', (): Steps<number> => put(ring, sourceOf(item, words)))
    if (outcome === OVER) return 'closed'
    if (outcome === FULL) return undefined
    yield* signal(memory, ITEMS, 1)
    return true
  }

  function* attemptTake(): Steps<number | undefined | 'closed' | 'died' | 'left'> {
    let outcome = yield* perform('take', (): Steps<number> => take(ring, target))
    if (outcome === EMPTY) {
      const state = yield* perform('look after producers', (): Steps<number> => sideState(ring, memory, PRODUCERS))
      if (state !== LEFT && state !== DIED) return undefined
      outcome = yield* perform(`take the last ${state}`, (): Steps<number> => take(ring, target))
      if (outcome === EMPTY) return state === DIED ? 'died' : 'left'
    }
    if (outcome === OVER) return 'closed'
    const [item] = found
    yield* signal(memory, ROOM, 1)
    return item
  }

  function* hasRoom(): Steps<boolean> {
    return ((yield { op: 'load', index: TAIL }) - (yield { op: 'load', index: HEAD })) >>> 0 < queue.capacity
  }
  function* hasItems(): Steps<boolean> {
    return (yield { op: 'load', index: TAIL }) !== (yield { op: 'load', index: HEAD })
  }
  function* isTrue(): Steps<boolean> {
    yield* []
    return true
  }
  function* allDone(): Steps<true | undefined> {
    const left = yield* perform('count', (): Steps<number> => countUnfinished(ring, memory))
    return left === 0 ? true : undefined
  }
  function* wakeAll(): Steps<void> {
    for (const index of [ITEMS, ROOM, DONE]) {
      yield checkpoint(past('wake all', index))
      yield* signalEverybody(memory, index)
    }
  }

  return {
    /** Whether the item is inside; undefined: there was no room in time. */
    *put(item: number, words = 1): Steps<true | undefined | 'closed'> {
      ;[phase, armed] = ['now', 0]
      const attempt = () => attemptPut(item, words)
      return (yield* attempt()) ?? (yield* waiting(ROOM, attempt, hasRoom))
    },
    *putMany(items: readonly number[]): Steps<number> {
      const sources = items.map((item) => sourceOf(item))
      const done = yield* perform('put many', (): Steps<number> => putMany(ring, sources))
      if (done > 0) yield* signal(memory, ITEMS, done)
      return done
    },
    /** The item; undefined: there was none in time. */
    *take(): Steps<number | undefined | 'closed' | 'died' | 'left'> {
      ;[phase, armed] = ['now', 0]
      return (yield* attemptTake()) ?? (yield* waiting(ITEMS, attemptTake, hasItems))
    },
    *takeMany(most: number): Steps<readonly number[]> {
      const outcome = yield* perform('take many', (): Steps<number> => takeMany(ring, target, most))
      if (outcome < 0) return []
      yield* signal(memory, ROOM, outcome)
      return [...found]
    },
    *close(): Steps<void> {
      yield* close(ring)
      yield* wakeAll()
    },
    *drain(): Steps<readonly number[]> {
      const outcome = yield* perform('drain', (): Steps<number> => takeAllAndClose(ring, target))
      const items = outcome < 0 ? [] : [...found]
      yield* wakeAll()
      if (items.length > 0) yield* finish(ring, memory, outcome)
      return items
    },
    *taskDone(): Steps<number> {
      const state = yield* perform('finish', (): Steps<number> => finish(ring, memory, 1))
      if (state === ALL_DONE) yield* signalEverybody(memory, DONE)
      return state
    },
    *join(): Steps<true | undefined> {
      return yield* waiting(DONE, allDone, isTrue)
    },
    *register(): Steps<void> {
      yield* register(ring, PRODUCERS)
    },
    *unregister(): Steps<void> {
      yield* unregister(ring, PRODUCERS)
      yield* signalEverybody(memory, ITEMS)
    },
  }
}

/** Puts these items one by one. @returns those that are inside, or were */
const producer = (queue: Queue, items: readonly number[], words = 1) =>
  function* (participant: number): Steps<string> {
    let done = ''
    const own = open(queue, participant, () => ['put', done])
    for (const item of items) {
      yield checkpoint(['next', done])
      const outcome = yield* own.put(item, words)
      done += outcome === true ? item : outcome === 'closed' ? 'c' : 't'
    }
    return done
  }

/** Takes so many. @returns them */
const consumer = (queue: Queue, count: number) =>
  function* (participant: number): Steps<string> {
    let taken = ''
    const own = open(queue, participant, () => ['take', taken])
    for (let turn = 0; turn < count; turn++) {
      yield checkpoint(['next', taken])
      const item = yield* own.take()
      taken += item === undefined ? 't' : typeof item === 'number' ? item : item.slice(0, 1)
    }
    return taken
  }

interface Outcome {
  readonly memory: Int32Array
}
type Results = Readonly<Record<string, unknown>>

/** The items inside, in their order. */
function inside(queue: Queue, memory: Int32Array): string {
  let items = ''
  for (let at = memory[HEAD] as number; at !== (memory[TAIL] as number); at = (at + 1) | 0) {
    const start = memory[queue.entries + (at & queue.mask) * layout.entryWords] as number
    items += memory[queue.data + start]
  }
  return items
}

/**
 * Each item that a survivor has put was taken once or is inside; of the dead, at most one more is missing for each; none
 * twice, and those of one producer in their order.
 */
const conserved =
  (queue: Queue, producers: Readonly<Record<string, string>>, consumers: readonly string[]) =>
  ({ memory }: Outcome, results: Results) => {
    const left = inside(queue, memory)
    const taken = consumers.map((name) => said(results, name))
    const seen = itemsOf([...taken, left].join(''), '0123456789')
    if (new Set(seen).size !== seen.length) return `an item came twice: ${seen.join('')}`
    // What a dead consumer had taken is not known; of those that live, everything is.
    const isAllKnown = consumers.every((name) => results[name] !== undefined)
    for (const [name, items] of Object.entries(producers)) {
      if (results[name] === undefined) continue
      const own = itemsOf(seen.join(''), items)
      const missing = itemsOf(said(results, name), items).filter((item) => !own.includes(item))
      if (isAllKnown && missing.length > 0) return `${missing.join('')} of ${name} is lost`
      for (const each of [...taken, left]) {
        const order = itemsOf(each, items).join('')
        if (
          !items
            .split('')
            .filter((item) => order.includes(item))
            .join('')
            .startsWith(order)
        )
          return `the order of ${name} is ${order}`
      }
    }
    return true
  }

/** What a thread has said at its end; nothing, if it was killed. */
function said(results: Results, name: string): string {
  const result = results[name]
  return typeof result === 'string' ? result : ''
}

const itemsOf = (text: string, items: string): string[] => text.split('').filter((item) => items.includes(item))

const row = (
  configuration: string,
  queue: Queue,
  threads: ModelRow['options']['threads'],
  final: NonNullable<ModelRow['options']['final']>,
  options: Partial<ModelRow['options']> = {},
  quick?: true,
): ModelRow => ({
  algorithm: 'queue',
  configuration,
  options: { memory: queue.memory, threads, final, maxStates: 8_000_000, ...options },
  ...(quick && { quick }),
})

const one = queueOf(1, 2)
const two = queueOf(2, 2)
const bytes = queueOf(4, 3)

/** Puts both at one moment, if there is room. */
const batcher = (queue: Queue, items: readonly number[]) =>
  function* (participant: number): Steps<string> {
    const done = yield* open(queue, participant, () => []).putMany(items)
    return items.slice(0, Math.max(done, 0)).join('')
  }

const batchTaker = (queue: Queue, most: number) =>
  function* (participant: number): Steps<string> {
    const own = open(queue, participant, () => [])
    return (yield* own.takeMany(most)).join('')
  }

const closer = (queue: Queue) =>
  function* (participant: number): Steps<string> {
    yield* open(queue, participant, () => []).close()
    return ''
  }

const drainer = (queue: Queue) =>
  function* (participant: number): Steps<string> {
    const items = yield* open(queue, participant, () => []).drain()
    return items.join('')
  }

/** Takes one, and says that it is done. */
const worker = (queue: Queue) =>
  function* (participant: number): Steps<string> {
    const own = open(queue, participant, () => ['work'])
    const item = yield* own.take()
    if (typeof item !== 'number') return 't'
    yield checkpoint(['taken', item])
    if ((yield* own.taskDone()) < 0) throw new Error('its own item is not to be done')
    return `${item}`
  }

/** Waits until all is done. */
const joiner = (queue: Queue) =>
  function* (participant: number): Steps<string> {
    return (yield* open(queue, participant, () => ['join']).join()) ? 'joined' : 'gave up'
  }

/** Registers, puts one, and leaves. */
const registered = (queue: Queue, item: number) =>
  function* (participant: number): Steps<string> {
    const own = open(queue, participant, () => ['registered'])
    yield* own.register()
    yield checkpoint('is a producer')
    const outcome = yield* own.put(item)
    yield checkpoint(['has put', outcome])
    yield* own.unregister()
    return outcome === true ? `${item}` : 't'
  }

/** With one item inside, that nobody who is explored has put. */
function filled(capacity: number, item: number): Queue {
  const queue = queueOf(capacity, capacity)
  queue.memory[TAIL] = 1
  queue.memory[queue.entries + layout.BYTES] = 4
  queue.memory[queue.data] = item
  return queue
}

const withOne = filled(1, 9)
const three = queueOf(3, 3)
const oneOfTwo = filled(2, 9)
const certain = { budget: 0, certain: true }

export const queueModels: readonly ModelRow[] = [
  row(
    '2 producers, 1 consumer, room for 1',
    one,
    { a: producer(one, [1]), b: producer(one, [2]), c: consumer(one, 2) },
    conserved(one, { a: '1', b: '2' }, ['c']),
    {},
    true,
  ),
  row(
    '2 producers, 1 consumer, room for 1, 1 kill, 1 time-out',
    one,
    { a: producer(one, [1]), b: producer(one, [2]), c: consumer(one, 2) },
    conserved(one, { a: '1', b: '2' }, ['c']),
    { choices: { kills: 1, timeouts: { budget: 1, certain: true } }, slicedWaits: true },
  ),
  row(
    '2 producers, 1 consumer, room for 1, 2 kills',
    one,
    { a: producer(one, [1]), b: producer(one, [2]), c: consumer(one, 2) },
    conserved(one, { a: '1', b: '2' }, ['c']),
    { choices: { kills: 2, timeouts: certain }, slicedWaits: true },
  ),
  row(
    '1 producer, 2 consumers, 1 kill, 1 time-out',
    one,
    { a: producer(one, [1]), b: consumer(one, 1), c: consumer(one, 1) },
    conserved(one, { a: '1' }, ['b', 'c']),
    { choices: { kills: 1, timeouts: { budget: 1, certain: true } }, slicedWaits: true },
  ),
  row(
    '1 producer of 2 items, 2 consumers, room for 2',
    two,
    { a: producer(two, [1, 2]), b: consumer(two, 1), c: consumer(two, 1) },
    conserved(two, { a: '12' }, ['b', 'c']),
  ),
  row(
    '1 producer of 2 items, 2 consumers, room for 2, 1 abort',
    two,
    { a: producer(two, [1, 2]), b: consumer(two, 1), c: consumer(two, 1) },
    conserved(two, { a: '12' }, ['b', 'c']),
    { choices: { aborts: { budget: 1, threads: ['b'] } } },
  ),
  row(
    '1 producer of 2 items at once, 2 consumers, 1 abort',
    two,
    { a: batcher(two, [1, 2]), b: consumer(two, 1), c: consumer(two, 1) },
    (outcome, results) =>
      results.c !== 't' || results.b === 't'
        ? conserved(two, { a: '12' }, ['b', 'c'])(outcome, results)
        : 'one slept beside an item',
    { choices: { aborts: { budget: 1, threads: ['b'] } } },
    true,
  ),
  row(
    '2 producers of 2 words each in room for 3, 1 consumer, 1 kill, 1 time-out',
    bytes,
    { a: producer(bytes, [1], 2), b: producer(bytes, [2], 2), c: consumer(bytes, 2) },
    conserved(bytes, { a: '1', b: '2' }, ['c']),
    { choices: { kills: 1, timeouts: { budget: 1, certain: true } }, slicedWaits: true },
  ),
  row(
    'batches of 2: 2 producers, 1 consumer, room for 3, 1 kill',
    three,
    { a: batcher(three, [1, 2]), b: batcher(three, [3, 4]), c: batchTaker(three, 3) },
    (outcome, results) => {
      const left = inside(three, outcome.memory)
      // The first one went in whole, whichever it was.
      if (results.c === undefined ? left === '4' : /^(1|3)?$/.test(`${said(results, 'c')}${left}`))
        return `half of a batch: ${left}`
      return conserved(three, { a: '12', b: '34' }, ['c'])(outcome, results)
    },
    { choices: { kills: 1 }, slicedWaits: true },
  ),
  row(
    'closed: 1 producer that waits, 1 consumer, 1 kill',
    withOne,
    { a: producer(withOne, [1]), b: consumer(withOne, 2), c: closer(withOne) },
    (outcome, results) => {
      if (results.c === undefined) return true
      if (outcome.memory[layout.CLOSED] !== 1) return 'it is not closed'
      if (results.b !== undefined && inside(withOne, outcome.memory) !== '') return 'something was left behind'
      return conserved(withOne, { a: '1' }, ['b'])(outcome, results)
    },
    { choices: { kills: 1, timeouts: certain }, slicedWaits: true },
  ),
  row(
    'closed and drained at one moment: 1 producer, 1 consumer',
    oneOfTwo,
    { a: producer(oneOfTwo, [1]), b: consumer(oneOfTwo, 2), c: drainer(oneOfTwo) },
    (outcome, results) => {
      if (inside(oneOfTwo, outcome.memory) !== '') return 'something is inside'
      const all = `${said(results, 'b')}${said(results, 'c')}`
      if (results.a === '1' && !all.includes('1')) return 'what was put is gone'
      return all.split('9').length === 2 || 'what was inside is gone, or there twice'
    },
    {},
    true,
  ),
  row(
    'done: 1 consumer that may die with its item, 1 that joins, 1 producer',
    withOne,
    { a: worker(withOne), b: joiner(withOne), c: producer(withOne, [1]) },
    // Only if nobody is left who would take.
    (outcome, results) => results.b === 'joined' || inside(withOne, outcome.memory) !== '' || 'it waits on',
    { choices: { kills: { budget: 1, threads: ['a'] }, timeouts: certain }, slicedWaits: true },
  ),
  row(
    'done: 2 consumers, 1 that joins, an item each',
    filled(2, 9),
    { a: worker(filled(2, 9)), b: joiner(filled(2, 9)), c: producer(filled(2, 9), []) },
    (_outcome, results) => results.b === 'joined' || 'it waits on',
    {},
    true,
  ),
  row(
    'registered: 1 producer that may die, 1 consumer',
    one,
    { a: registered(one, 1), b: consumer(one, 2) },
    (outcome, results) => {
      const left = inside(one, outcome.memory)
      const b = said(results, 'b')
      if (results.a === undefined) return true
      if (!['1l', '1t', 't1', 'tt'].includes(b)) return `the consumer saw ${b}`
      return `${b}${left}`.split('1').length === 2 || 'the item is gone or there twice'
    },
    { choices: { kills: { budget: 1, threads: ['a'] }, timeouts: certain }, slicedWaits: true },
    true,
  ),
]
