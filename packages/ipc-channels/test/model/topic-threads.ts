import { checkpoint, type Steps } from '@heddle/interleave'
import { type CheckpointValue, GAVE_UP, lockBriefly, unlock } from '@heddle/sync-primitives/building-blocks'
import * as ringLayout from '../../build/ring/layout.js'
import * as outcomes from '../../build/ring/outcomes.js'
import * as layout from '../../build/topic/layout.js'
import { asSteps } from './as-steps.ts'
import { withoutCheckpoints } from './within.ts'

const { CLOSED, LOCK, MESSAGES, PARTICIPANT, POLICY, ROOM, SUBSCRIBERS, WAIT } = layout
const { EMPTY, FULL, OVER } = outcomes

const dist = (file: string) => new URL(file, new URL('../../build/', import.meta.url))
const {
  publish,
  receive,
  subscribe,
  unsubscribe,
  isLastReader,
  close,
  signal,
  signalEverybody,
  waitUntil,
  CUT_OFF,
  NO_RECORD,
} = asSteps(
  [
    'ring/counts.js',
    'ring/entries.js',
    'topic/broadcast.js',
    'topic/reading.js',
    'topic/subscribers.js',
    'ring/signal.js',
  ].map(dist),
  {
    ...ringLayout,
    ...outcomes,
    ...layout,
  },
)

const everybody = 2 ** 31 - 1
/** Takes no step, and is nothing. */
const neverMore = (): readonly never[] => []
const slots = 4

interface Shape {
  readonly capacity: number
  readonly dataWords: number
  readonly maxSubscribers: number
  /** How many words each message takes. */
  readonly length: number
}

/** A subscriber that was there before the first message: of which participant, with which policy. */
type Early = readonly [participant: number, policy: number]

/** A topic in memory that begins with it, of messages that are one number each, several times. */
export function topicOf(shape: Shape, early: readonly Early[] = []) {
  const parts = layout.topicPartsOf(shape.capacity, shape.dataWords * 4, shape.maxSubscribers)
  const memory = Array.from({ length: parts.end }, () => 0)
  for (const [i, [participant, policy]] of early.entries()) {
    memory[recordOf(i) + PARTICIPANT] = participant
    memory[recordOf(i) + POLICY] = policy
  }
  return { ...shape, entries: parts.entries, mask: parts.mask, data: parts.data, memory }
}

export type Topic = ReturnType<typeof topicOf>

export const recordOf = (number: number): number => SUBSCRIBERS + number * layout.subscriberWords

/** What one thread has of it. `context` is all that its program has to remember from one call to the next. */
function open(topic: Topic, participant: number, context: () => readonly CheckpointValue[]) {
  /** Where in a call that may wait it is: `armed` is the word that it would sleep for. */
  let phase = 'first'
  let armed = 0
  const here = (...values: readonly CheckpointValue[]) => checkpoint([...context(), phase, armed, ...values])
  const memory = {
    words: undefined,
    participant,
    slots,
    *notify(index: number, count: number): Steps<void> {
      yield { op: 'notify', index, count }
    },
    *isDead(other: number): Steps<number> {
      return yield { op: 'isDead', participant: other }
    },
  }
  const shared = {
    words: undefined,
    memory,
    index: 0,
    capacity: topic.capacity,
    maxSubscribers: topic.maxSubscribers,
    entries: topic.entries,
    mask: topic.mask,
    dataWords: topic.dataWords,
    lock: {
      // Before the lock no algorithm has anything to remember.
      lock: () => (isReading ? withoutCheckpoints(lockBriefly(LOCK, participant)) : lockHere()),
      unlock: () => unlock(LOCK),
    },
  }
  let isReading = false
  const lockHere = () => lockBriefly(LOCK, participant, ...context(), phase, armed)
  let copied = 0
  let isTorn = false
  const target = {
    *readFrom(start: number, byteLength: number): Steps<void> {
      copied = yield { op: 'load', index: topic.data + start }
      isTorn = byteLength !== topic.length * 4
      for (let word = 1; word < byteLength / 4; word++)
        if ((yield { op: 'load', index: topic.data + start + word }) !== copied) isTorn = true
    },
  }
  /** Each time that it tries to copy begins with a look at CLOSED, and remembers nothing of those before but their number. */
  function* tryByTry<Result>(steps: Steps<Result>): Steps<Result> {
    let tries = 0
    let next = steps.next()
    while (!next.done) {
      const step = next.value
      if (step.op === 'load' && step.index === CLOSED) {
        tries += 1
        yield here('tries', tries)
      }
      next = steps.next(yield step)
    }
    return next.value
  }
  /** An attempt, and the wait for its success. */
  function* until<Result>(index: number, attempt: () => Steps<Result | undefined>): Steps<Result | undefined> {
    phase = 'first'
    armed = 0
    const first = yield* attempt()
    if (first !== undefined) return first
    const steps: Steps<Result | undefined> = waitUntil(memory, index, attempt, neverMore)
    let next = steps.next()
    while (!next.done) {
      const step = next.value
      if (step.op !== 'checkpoint') {
        const found: number = yield step
        if (step.op === 'wait' && found === GAVE_UP) phase = 'gave up'
        if (step.op === 'load' && step.index === index) armed = found
        if (step.op === 'compareExchange' && step.index === index && found === step.expected) armed = step.value
        next = steps.next(found)
        continue
      }
      if (step.state === 'wait until') phase = 'waits'
      yield step.state === 'wait until' ? here() : step
      next = steps.next(0)
    }
    return next.value
  }
  const own = {
    subscriber: { record: -1, policy: 0, cursor: 0, lost: 0 },
    /** Whether the message is published; undefined: there was no room in time. */
    *publish(message: number): Steps<true | undefined | 'closed'> {
      const source = {
        byteLength: topic.length * 4,
        *writeAt(start: number): Steps<void> {
          for (let word = 0; word < topic.length; word++)
            yield { op: 'store', index: topic.data + start + word, value: message }
        },
      }
      const attempt = function* (): Steps<true | undefined | 'closed'> {
        const done: number = yield* publish(shared, source)
        yield here('published', done)
        if (done === FULL) return undefined
        if (done === OVER) return 'closed'
        if (done < 0) throw new Error(`damaged: ${done}`)
        yield* signal(memory, MESSAGES, everybody)
        return true
      }
      return yield* until(ROOM, attempt)
    },
    /** The message; undefined: there was none in time. As `SharedTopic.receive` does it. */
    *receive(): Steps<number | undefined | 'closed' | 'cut off'> {
      const { subscriber } = own
      const attempt = function* (): Steps<number | undefined | 'closed' | 'cut off'> {
        const { cursor } = subscriber
        isReading = true
        const found: number = yield* tryByTry(receive(shared, subscriber, target))
        isReading = false
        yield here('received', found, copied, isTorn, cursor)
        if (subscriber.cursor !== cursor && subscriber.policy === WAIT) {
          const sleepers = yield { op: 'load', index: ROOM }
          if (sleepers & 1 && (yield* isLastReader(shared, subscriber))) yield* signal(memory, ROOM, everybody)
        }
        if (found === EMPTY) return undefined
        if (found === OVER) return 'closed'
        if (found === CUT_OFF) return 'cut off'
        if (found < 0) throw new Error(`damaged: ${found}`)
        if (isTorn) throw new Error('a torn message was received')
        return copied
      }
      return yield* until(MESSAGES, attempt)
    },
    *subscribe(policy: number): Steps<boolean> {
      const subscriber = yield* subscribe(shared, policy)
      if (subscriber === NO_RECORD) return false
      if (typeof subscriber === 'number') throw new Error(`damaged: ${subscriber}`)
      own.subscriber = subscriber
      return true
    },
    *unsubscribe(): Steps<void> {
      yield* unsubscribe(shared, own.subscriber)
      if (own.subscriber.policy === WAIT) yield* signalEverybody(memory, ROOM)
    },
    *close(): Steps<void> {
      yield* close(shared)
      yield* signalEverybody(memory, MESSAGES)
      yield* signalEverybody(memory, ROOM)
    },
  }
  return own
}

/** Publishes these one by one. @returns what was published; t: gave up, c: it was closed */
export const publisher = (topic: Topic, messages: readonly number[], closes = false) =>
  function* (participant: number): Steps<string> {
    let done = ''
    const own = open(topic, participant, () => ['publish', done])
    for (const message of messages) {
      yield checkpoint(['next', done])
      const outcome = yield* own.publish(message)
      done += outcome === true ? message : outcome === 'closed' ? 'c' : 't'
    }
    if (closes) {
      yield checkpoint(['closing', done])
      yield* own.close()
    }
    return done
  }

interface Reading {
  readonly count: number
  /** The number of its record, if it has subscribed before the first message. */
  readonly early?: number
  readonly policy: number
}

/**
 * Receives so many, and leaves.
 *
 * @returns them, and -n where n were lost; t: gave up, c: it was closed, x: cut off, n: there was no record free
 */
export const reader = (topic: Topic, { count, early, policy }: Reading) =>
  function* (participant: number): Steps<string> {
    let seen = ''
    const own = open(topic, participant, () => ['receive', seen, own.subscriber.cursor, own.subscriber.lost])
    if (early !== undefined) own.subscriber = { record: recordOf(early), policy, cursor: 0, lost: 0 }
    else if (!(yield* own.subscribe(policy))) return 'n'
    for (let turn = 0, lost = 0; turn < count; turn++) {
      yield checkpoint(['next', seen, own.subscriber.record, own.subscriber.cursor, own.subscriber.lost])
      const outcome = yield* own.receive()
      if (own.subscriber.lost > lost) seen += `-${own.subscriber.lost - lost}`
      lost = own.subscriber.lost
      seen += outcome === undefined ? 't' : typeof outcome === 'number' ? outcome : outcome === 'closed' ? 'c' : 'x'
      if (outcome === 'closed' || outcome === 'cut off') break
    }
    yield checkpoint(['leaving', seen, own.subscriber.record])
    yield* own.unsubscribe()
    return seen
  }
