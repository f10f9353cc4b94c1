// What everybody does in a soak: traffic on a queue, a pipe and a topic, with all that leaves something behind if it can.
import { readdirSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { isWhole, messageOf } from './messages.mjs'

const longest = 600
/** Calls between two pauses. */
const burst = 20

/** @param goesOn - asked between two calls */
export async function traffic({ queue, end, topic, id, random, goesOn, counts }) {
  const tally = (what) => {
    counts[what] = (counts[what] ?? 0) + 1
  }
  const check = (what, message) => {
    if (!isWhole(message)) throw new Error(`${what}: torn: ${JSON.stringify(message)?.slice(0, 200)}`)
    tally(what)
  }
  /** How long a call waits: mostly until a time-out or an abort, so that these are many. */
  const options = () => {
    const how = random(4)
    if (how === 0) return { signal: AbortSignal.timeout(1 + random(3)) }
    return { timeout: random(4) }
  }
  const loop = async (once) => {
    for (let number = 0; goesOn(); number++) {
      try {
        await once(number)
      } catch (error) {
        if (error.code !== 'ERR_TIMEOUT' && error.name !== 'TimeoutError') throw error
        tally('in vain')
      }
      if (number % burst === 0) await delay(2)
    }
  }
  const message = (number) => messageOf(id, number, longest)
  let subscription = topic.subscribe({ whenSlow: 'skip' })
  await Promise.all([
    loop(async (number) => {
      const form = random(4)
      if (form === 0) await queue.put(message(number), options())
      else if (form === 1) queue.putSync(message(number), { timeout: random(2) })
      else if (form === 2) await queue.putMany([message(number), message(number)], options())
      else queue.tryPut(message(number))
    }),
    loop(async () => {
      const form = random(4)
      let items = []
      if (form === 0) items = [await queue.get(options())]
      else if (form === 1) items = [queue.getSync({ timeout: random(2) })]
      else if (form === 2) items = await queue.getMany(5, options())
      else items = queue.tryGetMany(5)
      for (const item of items) check('queue', item)
      if (items.length > 0) queue.taskDone(items.length)
    }),
    loop(async (number) => {
      if (random(2) === 0) await end.send(message(number), options())
      else end.sendSync(message(number), { timeout: random(2) })
    }),
    loop(async () => {
      const form = random(3)
      if (form === 0) check('pipe', await end.receive(options()))
      else if (form === 1) check('pipe', end.receiveSync({ timeout: random(2) }))
      else if (!(await end.poll({ timeout: 1 }))) tally('in vain')
    }),
    loop(async (number) => {
      await topic.publish(message(number), options())
    }),
    loop(async (number) => {
      check('topic', await subscription.receive(options()))
      if (number % 100 < 99) return
      subscription.close()
      subscription = topic.subscribe({ whenSlow: 'skip' })
    }),
  ])
  subscription.close()
}

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc')

/** What this process has now, garbage not counted. */
export function measure() {
  collect()
  const { rss, heapUsed } = process.memoryUsage()
  return {
    rss,
    heap: heapUsed,
    descriptors: readdirSync('/proc/self/fd').length,
    resources: process.getActiveResourcesInfo().filter((name) => name !== 'Timeout' && name !== 'Immediate').length,
  }
}
