// One who puts or gets in a storm until it is killed, or dies at a step. See kill-storm.mjs.
import { setTimeout as delay, setImmediate } from 'node:timers/promises'
import { isMainThread } from 'node:worker_threads'
import { ThreadSafePriorityQueue, ThreadSafeQueue } from '@heddle/ipc-channels'
import { makeMortal } from './crash-steps.mjs'
import { Ledger, most } from './ledger.mjs'
import { onOrder, say } from './peer-side.mjs'
import { openMemory } from './peers.mjs'
import { randomOf } from './random.mjs'

const queueClasses = { ThreadSafeQueue, ThreadSafePriorityQueue }
const nobody = new Int32Array(new SharedArrayBuffer(4))

function die() {
  if (isMainThread) process.kill(process.pid, 'SIGKILL')
  else process.exit(0)
  for (;;);
}

/** Each puts the first ones of the items. @returns how many */
const puts = [
  (queue, [item], options) => queue.put(item, options).then(() => 1),
  (queue, [item], { timeout = 2_000, priority }) => {
    queue.putSync(item, { timeout, priority })
    return 1
  },
  (queue, [item], { priority }) => (queue.tryPut(item, { priority }) ? 1 : 0),
  (queue, items, options) => queue.putMany(items, options).then(() => items.length),
  (queue, items, { timeout = 2_000, priority }) => {
    queue.putManySync(items, { timeout, priority })
    return items.length
  },
  (queue, items, { priority }) => queue.tryPutMany(items, { priority }),
]

/** Each gets some items, `most` at the most; those that it has not noted by itself are returned. */
const gets = [
  async (queue, options) => [await queue.get(options)],
  (queue, { timeout = 2_000 }) => [queue.getSync({ timeout })],
  (queue) => {
    const found = queue.tryGet()
    return found ? [found.item] : []
  },
  (queue, options) => queue.getMany(most, options),
  (queue, { timeout = 2_000 }) => queue.getManySync(most, { timeout }),
  (queue) => queue.tryGetMany(most),
  async (queue, options, note) => {
    // Two at a time. In their order: the second one's promise may be fulfilled first.
    const both = [queue.get(options), queue.get(options)]
    for (const each of both) each.catch(() => {})
    for (const each of both)
      try {
        note([await each])
      } catch (error) {
        if (error.code !== 'ERR_TIMEOUT') throw error
      }
    return []
  },
]

async function produceOnce(queue, ledger, random, options) {
  if (!ledger.mayPut()) {
    await delay(1)
    return
  }
  const form = puts[random(puts.length)]
  const items = ledger.nextItems(1 + random(most))
  ledger.holds(items.length)
  try {
    ledger.accepted(await form(queue, items, options))
  } catch (error) {
    if (error.code !== 'ERR_TIMEOUT') throw error
    // Of a form that puts one, the one.
    ledger.accepted(puts.indexOf(form) >= 3 ? items.length - error.items.length : 0)
  }
}

async function consumeOnce(queue, ledger, random, options) {
  const note = (items) => {
    const wrong = ledger.got(items)
    if (wrong) throw new Error(wrong)
    if (items.length > 0) queue.taskDone(items.length)
  }
  ledger.holds(most)
  try {
    note(await gets[random(gets.length)](queue, options, note))
  } catch (error) {
    if (error.code !== 'ERR_TIMEOUT') throw error
  }
  ledger.holds(0)
}

async function work({ of, role, handle, seed }, ledger, live) {
  const queue = queueClasses[of].fromHandle(handle)
  const random = randomOf(seed)
  // Of a queue with priorities; those of one producer stay in their order.
  const priority = random(3)
  if (role === 'producer') queue.registerProducer()
  else queue.registerConsumer()
  const once = role === 'producer' ? produceOnce : consumeOnce
  for (;;) {
    const steps = ledger.stepsToLive
    if (steps !== undefined) live(steps)
    await once(queue, ledger, random, { timeout: [undefined, 5, 100][random(3)], priority })
    // Others need the processor, too; and what was asked of this one while it awaits goes on.
    const rest = random(4)
    if (rest === 0) await delay(5)
    else if (rest === 1) Atomics.wait(nobody, 0, 0, 5)
    else if (rest === 2) await setImmediate()
  }
}

let begin
onOrder((message) => {
  if (message === 'begin') {
    begin().catch((error) => say({ wrong: error.stack }))
    return
  }
  const memory = openMemory(message.memory)
  const ledger = new Ledger(memory.words, message.base, message.slots, message.slot)
  const live = message.isMortal ? makeMortal(memory, die) : () => {}
  begin = () => work(message, ledger, live)
  say('ready')
})
