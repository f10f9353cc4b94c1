import { type CheckpointValue, checkpoint, type Steps } from '@heddle/interleave'
import { lockBriefly, unlock } from '@heddle/sync-primitives/building-blocks'
import * as layout from '../../build/priority/layout.js'
import * as ringLayout from '../../build/ring/layout.js'
import * as outcomes from '../../build/ring/outcomes.js'
import { asSteps } from './as-steps.ts'
import type { ModelRow } from './model-row.ts'
import { within } from './within.ts'

const { BYTES, CHAIN, CHANGING, FREE_BLOCK, HEAD, INLINE, PRIORITY, STATE, TAIL, USED } = layout
const { RECORDS, recordWords, TAKE_LOCK } = ringLayout

const dist = (file: string) => new URL(file, new URL('../../build/', import.meta.url))
const { put, take, takeAllAndClose } = asSteps(
  [
    dist('ring/counts.js'),
    dist('ring/records.js'),
    dist('priority/bytes.js'),
    dist('priority/order.js'),
    dist('priority/heap-queue.js'),
  ],
  { ...ringLayout, ...outcomes, ...layout },
)

const slots = 3

/** A queue in memory that begins with it, of items that are one number each, whatever their length. */
function queueOf(capacity: number, capacityBytes: number) {
  const parts = layout.priorityPartsOf(slots, capacity, capacityBytes)
  const memory = Array.from({ length: parts.end }, () => 0)
  for (let number = 0; number < capacity; number++) memory[parts.order + number] = number
  for (let block = 0; block < parts.blockCount; block++)
    memory[parts.blocks + block * layout.blockWords] = (block + 2) % (parts.blockCount + 2)
  if (parts.blockCount > 0) {
    memory[parts.blocks + (parts.blockCount - 1) * layout.blockWords] = 0
    memory[FREE_BLOCK] = 1
  }
  return { ...parts, capacity, capacityBytes, memory }
}

type Queue = ReturnType<typeof queueOf>

/** An item: its number is its priority too. */
interface Item {
  readonly number: number
  readonly bytes?: number
}

/** What one thread has of it. @param context - all that its program has to remember */
function open(queue: Queue, participant: number, context: () => readonly CheckpointValue[]) {
  const found: number[] = []
  const heap = {
    index: 0,
    capacity: queue.capacity,
    capacityBytes: queue.capacityBytes,
    order: queue.order,
    cells: queue.cells,
    blocks: queue.blocks,
    blockCount: queue.blockCount,
    record: RECORDS + participant * recordWords,
    generation: 0,
    takeLock: {
      lock: () => within([...context(), 'locking'], lockBriefly(TAKE_LOCK, participant)),
      unlock: () => unlock(TAKE_LOCK),
    },
  }
  const sourceOf = ({ number, bytes = 4 }: Item) => ({
    byteLength: bytes,
    priority: number,
    *writeAt(index: number): Steps<void> {
      yield { op: 'store', index, value: number }
    },
  })
  let first = 0
  const target = {
    *prepare(): Steps<void> {
      found.length = 0
      yield* []
    },
    *readFrom(index: number, from: number, count: number, byteLength: number): Steps<void> {
      const number: number = yield { op: 'load', index }
      if (from === 0) first = number
      if (number !== first) throw new Error('a torn item')
      if (from + count === byteLength) found.push(number)
    },
  }
  return {
    *put(...items: readonly Item[]): Steps<number> {
      return yield* put(heap, items.map(sourceOf))
    },
    *take(most: number): Steps<readonly number[]> {
      found.length = 0
      const taken: number = yield* take(heap, target, most)
      if (taken < outcomes.OVER) throw new Error(`the queue is said to be damaged: ${taken}`)
      return taken > 0 ? [...found] : []
    },
    *drain(): Steps<readonly number[]> {
      found.length = 0
      const taken: number = yield* takeAllAndClose(heap, target)
      return taken > 0 ? [...found] : []
    },
  }
}

/** Puts each of the lists at one moment. @returns the numbers of those that are inside, or were */
const producer = (queue: Queue, ...lists: readonly (readonly Item[])[]) =>
  function* (participant: number): Steps<string> {
    let done = ''
    let turn = 0
    const own = open(queue, participant, () => ['put', turn, done])
    for (const items of lists) {
      yield checkpoint(['next', turn, done])
      turn += 1
      const put = yield* own.put(...items)
      done += items
        .slice(0, Math.max(put, 0))
        .map(({ number }) => number)
        .join('')
    }
    return done
  }

/** Takes so often, up to so many. @returns them, those of one moment together */
const consumer = (queue: Queue, times: number, most: number) =>
  function* (participant: number): Steps<string> {
    let taken = ''
    let turn = 0
    const own = open(queue, participant, () => ['take', turn, taken])
    for (; turn < times; turn++) {
      yield checkpoint(['next', turn, taken])
      taken += `${(yield* own.take(most)).join('')} `
    }
    return taken
  }

const drainer = (queue: Queue) =>
  function* (participant: number): Steps<string> {
    return (yield* open(queue, participant, () => ['drain']).drain()).join('')
  }

/** The numbers of the items that are inside, by what TAIL, HEAD and the cells say. */
function insideOf(queue: Queue, memory: Int32Array): string {
  const numbers: number[] = []
  for (let number = 0; number < queue.capacity; number++) {
    const cell = queue.cells + number * layout.cellWords
    const state = memory[cell + STATE]
    const isIn =
      (state === 1 && (memory[cell + layout.NUMBER] as number) < (memory[TAIL] as number)) ||
      (state === 2 && (memory[cell + layout.LEAVES] as number) >= (memory[HEAD] as number))
    if (isIn) numbers.push(memory[cell + INLINE] as number)
  }
  return numbers.sort((a, b) => b - a).join('')
}

/** What must be true of the words while nobody is in the middle of changing them. @returns what is not */
function unsound(queue: Queue, memory: Int32Array): string | undefined {
  const inside = (memory[TAIL] as number) - (memory[HEAD] as number)
  if (inside !== insideOf(queue, memory).length) return `${inside} are inside, it says`
  if (memory[CHANGING] !== 0) return undefined
  const order = Array.from({ length: queue.capacity }, (_, at) => memory[queue.order + at] as number)
  if (new Set(order).size !== queue.capacity) return `the order is ${order.join()}`
  const cellOf = (position: number) => queue.cells + (order[position] as number) * layout.cellWords
  const blocks: number[] = []
  const follow = (link: number) => {
    for (let at = link; at !== 0; at = memory[queue.blocks + (at - 1) * layout.blockWords] as number) {
      if (blocks.includes(at)) return false
      blocks.push(at)
    }
    return true
  }
  let used = 0
  for (let position = 0; position < queue.capacity; position++) {
    const cell = cellOf(position)
    if (memory[cell + STATE] !== (position < inside ? 1 : 0)) return `position ${position} has the wrong state`
    if (position >= inside) continue
    used += memory[cell + BYTES] as number
    const parent = cellOf((position - 1) >>> 1)
    if (position > 0 && (memory[parent + PRIORITY] as number) < (memory[cell + PRIORITY] as number))
      return `position ${position} is before its parent`
    if (!follow(memory[cell + CHAIN] as number)) return 'a block is in two chains'
  }
  if (!follow(memory[FREE_BLOCK] as number) || blocks.length !== queue.blockCount)
    return `the blocks are ${blocks.join()}`
  return memory[USED] === used ? undefined : `${memory[USED]} bytes are used, it says, and not ${used}`
}

type Results = Readonly<Record<string, unknown>>

/**
 * Each item that a survivor has put was taken once or is inside; what the dead had taken is not known. Items that were taken
 * at one moment came in their order, and the words are sound.
 */
const conserved =
  (queue: Queue, producers: readonly string[], consumers: readonly string[]) =>
  ({ memory }: { readonly memory: Int32Array }, results: Results): true | string => {
    const problem = unsound(queue, memory)
    if (problem) return problem
    const taken = consumers.map((name) => results[name] as string | undefined)
    for (const moment of taken.flatMap((each) => each?.split(' ') ?? []))
      if (moment !== Array.from(moment).sort().reverse().join('')) return `${moment} was taken`
    const seen = Array.from(`${taken.join('')}${insideOf(queue, memory)}`.replaceAll(' ', ''))
    if (new Set(seen).size !== seen.length) return `an item came twice: ${seen.join()}`
    if (taken.includes(undefined)) return true
    for (const name of producers)
      for (const item of (results[name] as string | undefined) ?? '')
        if (!seen.includes(item)) return `${item} of ${name} is lost`
    return true
  }

const row = (
  configuration: string,
  queue: Queue,
  threads: ModelRow['options']['threads'],
  final: NonNullable<ModelRow['options']['final']>,
  options: Partial<ModelRow['options']> = {},
  quick?: true,
): ModelRow => ({
  algorithm: 'priority queue',
  configuration,
  options: { memory: queue.memory, threads, final, maxStates: 8_000_000, ...options },
  ...(quick && { quick }),
})

const item = (number: number, bytes?: number): Item => ({ number, ...(bytes === undefined ? {} : { bytes }) })
const two = queueOf(2, 100)
const three = queueOf(3, 100)
/** One block, and room for an item that needs it and one that does not. */
const blocky = queueOf(2, 76)
const kill = (kills: number) => ({ choices: { kills }, slicedWaits: true })

export const priorityModels: readonly ModelRow[] = [
  row(
    '2 producers, 1 consumer, room for 2, 1 kill',
    two,
    { a: producer(two, [item(1)]), b: producer(two, [item(2)]), c: consumer(two, 1, 1) },
    conserved(two, ['a', 'b'], ['c']),
    kill(1),
    true,
  ),
  row(
    '2 producers, 1 consumer, room for 2, 2 kills',
    two,
    { a: producer(two, [item(1)]), b: producer(two, [item(2)]), c: consumer(two, 2, 1) },
    conserved(two, ['a', 'b'], ['c']),
    kill(2),
  ),
  row(
    '1 producer of 2 items, 2 consumers, room for 2, 1 kill',
    two,
    { a: producer(two, [item(1)], [item(2)]), b: consumer(two, 1, 1), c: consumer(two, 2, 1) },
    conserved(two, ['a'], ['b', 'c']),
    kill(1),
  ),
  row(
    'batches of 2: 2 producers, 1 consumer, room for 3, 1 kill',
    three,
    { a: producer(three, [item(1), item(3)]), b: producer(three, [item(2), item(4)]), c: consumer(three, 1, 3) },
    (outcome, results) => {
      const left = insideOf(three, outcome.memory)
      // The first one went in whole, whichever it was.
      const taken = results.c as string | undefined
      const seen = `${taken ?? ''}${left}`.replaceAll(' ', '')
      if (taken !== undefined && seen.length === 1) return `half of a batch: ${seen}`
      return conserved(three, ['a', 'b'], ['c'])(outcome, results)
    },
    kill(1),
  ),
  row(
    'blocks: 2 producers of an item that needs the only one, 1 consumer, 2 kills',
    blocky,
    { a: producer(blocky, [item(1, 70)]), b: producer(blocky, [item(2, 70)]), c: consumer(blocky, 2, 2) },
    conserved(blocky, ['a', 'b'], ['c']),
    kill(2),
  ),
  row(
    'closed and drained at one moment: 1 producer, 1 consumer, 1 kill',
    two,
    { a: producer(two, [item(1)], [item(2)]), b: consumer(two, 1, 2), c: drainer(two) },
    (outcome, results) => {
      if (results.c !== undefined && insideOf(two, outcome.memory) !== '') return 'something is inside'
      return conserved(two, ['a'], ['b', 'c'])(outcome, results)
    },
    kill(1),
  ),
]
