// Queues, pipes and topics in some states, and what a user does with each of them.
import { Pipe, PipeEnd, ThreadSafePriorityQueue, ThreadSafeQueue, Topic } from '@heddle/ipc-channels'
import { pipeWords } from '../../build/pipe/layout.js'
import { priorityPartsOf } from '../../build/priority/layout.js'
import { partsOf, RECORDS } from '../../build/ring/layout.js'
import { topicPartsOf } from '../../build/topic/layout.js'

const item = (n) => ({ n, text: 'x'.repeat((n * 7) % 60), list: [n, -n, `${n}`] })
const now = { timeout: 0 }

/** Each with the words that it has then. `open` is called before or after the damage. */
export const statesOf = (memory) => [
  queue(memory, { capacity: 4, capacityBytes: 512 }, (it) => it.tryPutMany([1, 2, 3].map(item))),
  queue(memory, { capacity: 1, capacityBytes: 128 }, (it) => it.tryPut(item(1))),
  queue(memory, { capacity: 3, capacityBytes: 256 }, () => {}),
  queue(memory, { capacity: 5, capacityBytes: 400 }, (it) => {
    // Wrapped, so that an item lies before an older one.
    for (let n = 0; n < 23; n++) {
      it.tryPut(item(n))
      if (it.size > 2) it.getSync()
    }
  }),
  queue(memory, { capacity: 16, capacityBytes: 2_048 }, (it) => {
    it.tryPutMany(Array.from({ length: 12 }, (_, n) => item(n)))
    it.tryGetMany(3)
    it.close()
  }),
  queue(memory, { capacity: 6, capacityBytes: 600 }, (it, words, index) => {
    // Just before TAIL and HEAD go below zero.
    for (const counter of [17, 19, 33, 35]) words[index + counter] = 2 ** 31 - 3
    for (const halves of [18, 34]) words[index + halves] = 0
    it.registerProducer()
    it.registerConsumer()
    it.tryPutMany([1, 2].map(item))
  }),
  priorityQueue(memory, { capacity: 6, capacityBytes: 1_024 }, (it) => {
    for (let n = 0; n < 5; n++) it.tryPut(item(n), { priority: n % 2 })
    it.tryGet()
  }),
  priorityQueue(memory, { capacity: 3, capacityBytes: 512 }, () => {}),
  pipe(memory),
  topic(memory, 'wait'),
  topic(memory, 'skip'),
]

function queue(memory, options, prepare) {
  const { capacity, capacityBytes } = options
  const { entries, data, end } = partsOf(memory.slots, capacity, capacityBytes)
  // From, to, and how likely.
  const regions = [
    [1, 10, 5],
    [16, 20, 5],
    [32, 36, 5],
    [RECORDS, entries, 3],
    [entries, data, 6],
    [data, end, 6],
    [0, end, 1],
  ]
  return queueState(ThreadSafeQueue, memory, options, prepare, regions, end)
}

function priorityQueue(memory, options, prepare) {
  const { order, cells, blocks, end } = priorityPartsOf(memory.slots, options.capacity, options.capacityBytes)
  const regions = [
    [1, 10, 3],
    [16, 36, 5],
    [RECORDS, order, 2],
    [order, cells, 5],
    [cells, blocks, 8],
    [blocks, end, 4],
    [0, end, 1],
  ]
  return queueState(ThreadSafePriorityQueue, memory, options, prepare, regions, end)
}

function queueState(Class, memory, options, prepare, regions, length) {
  const it = new Class({ ...options, memory })
  const handle = it.toHandle()
  prepare(it, memory.words, handle.index)
  const open = (isDamaged) => (isDamaged ? Class.fromHandle(handle) : it)
  return stateOf(memory, handle.index, length, regions, open, queueUses)
}

function stateOf(memory, index, length, regions, open, uses) {
  return {
    memory,
    index,
    whole: memory.words.slice(index, index + length),
    regions,
    open,
    uses,
    names: Object.keys(uses),
  }
}

function pipe(memory) {
  const capacityBytes = 512
  const [first, second] = Pipe.create({ memory, capacityBytes, maxMessageBytes: 4_096 })
  const handles = [first.toHandle(), second.toHandle()]
  for (let n = 0; n < 3; n++) {
    first.sendSync(item(n))
    second.sendSync(item(n + 4))
  }
  const end = pipeWords(capacityBytes, 2)
  const regions = [
    [1, 4, 2],
    [16, 20, 3],
    [32, 36, 3],
    [48, end, 12],
    [0, end, 1],
  ]
  const open = () => handles.map((handle) => PipeEnd.fromHandle(handle))
  return stateOf(memory, handles[0].index, end, regions, open, pipeUses)
}

function topic(memory, whenSlow) {
  const sizes = { capacity: 4, capacityBytes: 512, maxSubscribers: 4 }
  const made = new Topic({ ...sizes, memory })
  const handle = made.toHandle()
  const parts = topicPartsOf(sizes.capacity, sizes.capacityBytes, sizes.maxSubscribers)
  const regions = [
    [1, 12, 4],
    [16, 20, 5],
    [32, 33, 3],
    [48, parts.entries, 6],
    [parts.entries, parts.data, 6],
    [parts.data, parts.end, 4],
    [0, parts.end, 1],
  ]
  const open = (isDamaged) => {
    const it = isDamaged ? Topic.fromHandle(handle) : made
    const subscription = it.subscribe({ whenSlow })
    if (!isDamaged) for (let n = 0; n < 3; n++) it.tryPublish(item(n))
    return { it, subscription }
  }
  return stateOf(memory, handle.index, parts.end, regions, open, topicUses)
}

// Calls that wait do so for a moment only.
const queueUses = {
  putSync: (it) => it.putSync(item(5), now),
  putAndWait: (it) => it.putSync(item(6), { timeout: 1 }),
  tryPut: (it) => it.tryPut(item(7)),
  tryPutMany: (it) => it.tryPutMany([8, 9, 10].map(item)),
  putManySync: (it) => it.putManySync([11, 12].map(item), now),
  put: (it) => it.put(item(13), now),
  putMany: (it) => it.putMany([14, 15].map(item), { timeout: 1 }),
  getSync: (it) => it.getSync(now),
  getAndWait: (it) => it.getSync({ timeout: 1 }),
  tryGet: (it) => it.tryGet(),
  tryGetMany: (it) => it.tryGetMany(100),
  getManySync: (it) => it.getManySync(2, now),
  get: (it) => it.get({ timeout: 1 }),
  getMany: (it) => it.getMany(3, now),
  taskDone: (it) => it.taskDone(2),
  join: (it) => it.join(now),
  joinSync: (it) => it.joinSync(now),
  getStats: (it) => mustBeNumbers(it.getStats()),
  size: (it) => (it.size >= 0 && it.size <= it.capacity) || fail(`a size of ${it.size}`),
  closed: (it) => it.closed,
  close: (it) => it.close(),
  shutdown: (it) => it.shutdown({ immediate: true }),
  register: (it) => {
    it.registerProducer().unregister()
    it.registerConsumer()
  },
}

const pipeUses = Object.fromEntries(
  [0, 1].flatMap((side) =>
    Object.entries({
      send: (end) => end.send(item(3), now),
      sendLong: (end) => end.send('y'.repeat(1_000), { timeout: 1 }),
      sendSync: (end) => end.sendSync(item(4), { timeout: 1 }),
      trySend: (end) => end.trySend(item(5)),
      receive: (end) => end.receive({ timeout: 1 }),
      receiveSync: (end) => end.receiveSync(now),
      tryReceive: (end) => end.tryReceive(),
      poll: (end) => end.poll({ timeout: 1 }),
      pollSync: (end) => end.pollSync(now),
      close: (end) => end.close(),
      closed: (end) => end.closed,
    }).map(([name, use]) => [`${name} ${side}`, (ends) => use(ends[side])]),
  ),
)

const topicUses = {
  publish: ({ it }) => it.publish(item(3), now),
  publishSync: ({ it }) => it.publishSync(item(4), { timeout: 1 }),
  tryPublish: ({ it }) => it.tryPublish(item(5)),
  receive: ({ subscription }) => subscription.receive({ timeout: 1 }),
  receiveSync: ({ subscription }) => subscription.receiveSync(now),
  tryReceive: ({ subscription }) => subscription.tryReceive(),
  pending: ({ subscription }) => subscription.pending >= 0 || fail(`${subscription.pending} are pending`),
  subscribe: ({ it }) => it.subscribe({ whenSlow: 'disconnect' }).close(),
  getStats: ({ it }) => mustBeNumbers(it.getStats()),
  closed: ({ it }) => it.closed,
  close: ({ it }) => it.close(),
  unsubscribe: ({ subscription }) => subscription.close(),
}

/** What was counted may be any number. */
function mustBeNumbers(stats) {
  for (const [name, value] of Object.entries(stats))
    if (typeof value !== 'boolean' && !Number.isInteger(value)) fail(`${name}: ${value}`)
}

function fail(message) {
  throw new Error(message)
}
