import { workerData } from 'node:worker_threads'
import { ThreadSafeQueue } from '@heddle/ipc-channels'
import { between } from '../lanes/chance.js'
import { LaneWriter, restSync } from '../lanes/lane-words.js'
import { type QueueWork, queueSubjects } from './queue-work.js'

/** A thread of `queue`. */
const { words, place, role, queue: handle } = workerData as QueueWork
const lane = new LaneWriter(words, place, queueSubjects)
const queue = ThreadSafeQueue.fromHandle<number>(handle)

if (role === 'producer') produce()
else consume()

function produce(): never {
  for (let item = 0; ; item++) {
    lane.tell('running', 'making an item')
    restSync(words, between(40, 120))
    if (queue.tryPut(item)) continue
    lane.tell('waiting', 'room in the queue')
    queue.putSync(item)
  }
}

function consume(): never {
  for (;;) {
    if (!queue.tryGet()) {
      lane.tell('waiting', 'an item in the queue')
      queue.getSync()
    }
    lane.tell('running', 'using an item')
    // Now and then they are slower together than the producers, and now and then quicker.
    const isRush = Math.floor(queue.getStats().getCount / 60) % 2 === 1
    restSync(words, isRush ? between(30, 90) : between(150, 350))
  }
}
