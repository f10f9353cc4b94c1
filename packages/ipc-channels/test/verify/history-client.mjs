// A client of a queue that records what it does. See histories.mjs.
import { ThreadSafeQueue } from '@heddle/ipc-channels'
import { onOrder, say } from './peer-side.mjs'
import { openMemory } from './peers.mjs'

const everybody = 2 ** 31 - 1

let memory
/** Words that all clients share: the clock, and how many have come to the start of a history. */
let clock
let gate
let clients
let histories = 0

const calls = {
  put: (queue, { items, timeout }) => queue.put(items[0], { timeout }).then(() => 1),
  putSync(queue, { items, timeout }) {
    queue.putSync(items[0], { timeout })
    return 1
  },
  tryPut: (queue, { items }) => (queue.tryPut(items[0]) ? 1 : 0),
  putMany: (queue, { items, timeout }) => queue.putMany(items, { timeout }).then(() => items.length),
  putManySync(queue, { items, timeout }) {
    queue.putManySync(items, { timeout })
    return items.length
  },
  tryPutMany: (queue, { items }) => queue.tryPutMany(items),
  get: async (queue, { timeout }) => [await queue.get({ timeout })],
  getSync: (queue, { timeout }) => [queue.getSync({ timeout })],
  tryGet(queue) {
    const found = queue.tryGet()
    return found ? [found.item] : []
  },
  getMany: (queue, { most, timeout }) => queue.getMany(most, { timeout }),
  getManySync: (queue, { most, timeout }) => queue.getManySync(most, { timeout }),
  tryGetMany: (queue, { most }) => queue.tryGetMany(most),
  close: (queue) => queue.close(),
  shutdown: (queue) => queue.shutdown({ immediate: true }),
}

/** How many were put, or what was taken; or that the queue was closed. */
async function outcomeOf(queue, order) {
  try {
    return await calls[order.call](queue, order)
  } catch (error) {
    if (error.code === 'ERR_CLOSED') return 'closed'
    if (error.code !== 'ERR_TIMEOUT') throw error
    return order.items ? order.items.length - error.items.length : []
  }
}

/** Lets no client begin before all have come; those who come last find the others awake. */
function meet() {
  histories += 1
  const all = histories * clients
  const { words } = memory
  Atomics.add(words, gate, 1)
  memory.notify(gate, everybody)
  for (let seen = Atomics.load(words, gate); seen < all; seen = Atomics.load(words, gate)) memory.wait(gate, seen, 100)
  Atomics.add(words, gate + 16, 1)
  const end = performance.now() + 0.2
  while (Atomics.load(words, gate + 16) < all && performance.now() < end);
}

async function record(queue, timeout, strand, records) {
  for (const order of strand) {
    const begun = Atomics.add(memory.words, clock, 1)
    const outcome = await outcomeOf(queue, { ...order, timeout })
    records.push({ ...order, outcome, begun, ended: Atomics.add(memory.words, clock, 1) })
  }
}

async function play({ handles, plans }) {
  const queues = handles.map((handle) => ThreadSafeQueue.fromHandle(handle))
  const all = []
  for (const [n, { timeout, strands }] of plans.entries()) {
    const records = []
    meet()
    await Promise.all(strands.map((strand) => record(queues[n], timeout, strand, records)))
    all.push(records)
  }
  return all
}

onOrder((message) => {
  if (message.memory) {
    memory = openMemory(message.memory)
    clock = message.shared
    gate = message.shared + 16
    clients = message.clients
    return
  }
  play(message).then(
    (histories) => say({ histories }),
    (error) => say({ wrong: error.stack }),
  )
})
