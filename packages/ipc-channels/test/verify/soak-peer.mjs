// One who takes part in a soak. See soak.mjs.
import { PipeEnd, ThreadSafeQueue, Topic } from '@heddle/ipc-channels'
import { onOrder, say } from './peer-side.mjs'
import { openMemory } from './peers.mjs'
import { randomOf } from './random.mjs'
import { measure, traffic } from './soak-traffic.mjs'

const counts = {}

onOrder((message) => {
  if (message === 'measure') {
    say({ measured: measure(), counts })
    return
  }
  const { words } = openMemory(message.memory)
  traffic({
    queue: ThreadSafeQueue.fromHandle(message.queue),
    end: PipeEnd.fromHandle(message.end),
    topic: Topic.fromHandle(message.topic),
    id: message.id,
    random: randomOf(message.seed),
    goesOn: () => Atomics.load(words, message.line) === 0,
    counts,
  }).then(
    () => say({ isDone: true }),
    (error) => say({ wrong: error.stack }),
  )
})
