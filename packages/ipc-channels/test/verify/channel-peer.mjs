// One who has an end of a pipe, or publishes to or reads a topic, until it is killed or dies at a step. See pipe-storm.mjs and
// topic-storm.mjs.
import { setTimeout as delay, setImmediate } from 'node:timers/promises'
import { isMainThread } from 'node:worker_threads'
import { PipeEnd, Topic } from '@heddle/ipc-channels'
import { makeMortal } from './crash-steps.mjs'
import { isWhole, messageOf, OrderCheck } from './messages.mjs'
import { onOrder, say } from './peer-side.mjs'
import { openMemory } from './peers.mjs'
import { randomOf } from './random.mjs'

const nobody = new Int32Array(new SharedArrayBuffer(4))
/** Of a blocking call: whoever has started this one may have ended. */
const slice = { timeout: 1_000 }

function die() {
  if (isMainThread) process.kill(process.pid, 'SIGKILL')
  else process.exit(0)
  for (;;);
}

const unlessLate = (error) => {
  if (error.code !== 'ERR_TIMEOUT') throw error
}

/** Sends and receives, all the time; `note` hears of each message that was sent. */
async function usePipe({ handle, id, longest }, random, note, tick) {
  const end = PipeEnd.fromHandle(handle)
  const order = new OrderCheck()
  let number = 0
  const sends = async () => {
    for (;;) {
      tick()
      const message = messageOf(id, number, longest)
      const form = random(3)
      try {
        if (form === 0) await end.send(message, slice)
        else if (form === 1) end.sendSync(message, { timeout: random(5) })
        else if (message.filling.length > 200 || !end.trySend(message)) {
          await delay(1)
          continue
        }
        number += 1
        note(number)
      } catch (error) {
        unlessLate(error)
      }
      await rest(random)
    }
  }
  const receives = async () => {
    for (;;) {
      tick()
      const form = random(3)
      try {
        let message
        if (form === 0) message = await end.receive(slice)
        else if (form === 1) message = end.receiveSync({ timeout: random(5) })
        else {
          const found = end.tryReceive()
          if (!found) {
            await delay(1)
            continue
          }
          message = found.message ?? found.item
        }
        if (!isWhole(message)) throw new Error(`torn: ${JSON.stringify(message)?.slice(0, 200)}`)
        const wrong = order.next(message)
        if (wrong) throw new Error(wrong)
      } catch (error) {
        unlessLate(error)
      }
      await rest(random)
    }
  }
  await Promise.all([sends(), receives()])
}

async function publish({ handle, id, longest }, random, note, tick) {
  const topic = Topic.fromHandle(handle)
  for (let number = 0; ; ) {
    tick()
    const message = messageOf(id, number, longest)
    const form = random(3)
    try {
      if (form === 0) await topic.publish(message, slice)
      else if (form === 1) topic.publishSync(message, slice)
      else if (!topic.tryPublish(message)) {
        await delay(1)
        continue
      }
      number += 1
      note(number)
    } catch (error) {
      unlessLate(error)
    }
    await rest(random)
  }
}

async function subscribe({ handle, whenSlow }, random, _note, tick) {
  const topic = Topic.fromHandle(handle)
  const subscription = topic.subscribe({ whenSlow })
  const order = new OrderCheck(whenSlow === 'wait')
  for (;;) {
    tick()
    const form = random(3)
    try {
      let message
      if (form === 0) message = await subscription.receive(slice)
      else if (form === 1) message = subscription.receiveSync(slice)
      else {
        const found = subscription.tryReceive()
        if (!found) {
          await delay(1)
          continue
        }
        message = found.message
      }
      if (!isWhole(message)) throw new Error(`torn: ${JSON.stringify(message)?.slice(0, 200)}`)
      const wrong = order.next(message)
      if (wrong) throw new Error(`${whenSlow}: ${wrong}`)
    } catch (error) {
      unlessLate(error)
    }
    await rest(random)
  }
}

async function rest(random) {
  const how = random(6)
  if (how === 0) await delay(1)
  else if (how === 1) Atomics.wait(nobody, 0, 0, 1)
  else if (how < 4) await setImmediate()
}

const roles = { pipe: usePipe, publisher: publish, subscriber: subscribe }

onOrder((message) => {
  if (message === 'hello') {
    say('ready')
    return
  }
  const memory = openMemory(message.memory)
  const { words } = memory
  const live = message.isMortal ? makeMortal(memory, die) : () => {}
  const tick = () => {
    const steps = Atomics.exchange(words, message.line, 0)
    if (steps > 0) live(steps)
  }
  const note = (count) => Atomics.store(words, message.line + 1, count)
  roles[message.role](message, randomOf(message.seed), note, tick).catch((error) => {
    say({ wrong: error.stack, code: error.code })
  })
})
