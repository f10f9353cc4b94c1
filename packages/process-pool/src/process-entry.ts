import { type FromWorker, type Hello, TaskServer, type ToWorker } from '@heddle/pool-core'
import type { LaneMessage } from './lane-message.js'
import { watchParent } from './orphan-watch.js'

// The parent is gone: there is nobody to answer. Deferred, since Node 20 fails on an exit inside its own message handling.
process.once('disconnect', () => setImmediate(() => process.exit()))

// Ctrl-C goes to all processes of a terminal: what it means for the tasks is up to the program, whose end ends this one, too.
process.on('SIGINT', () => undefined)

/** What a worker process of the pool runs at its start: it opens the lane, over which all tasks come. */
export default function serve(hello: Hello): ReturnType<TaskServer['start']> {
  watchParent()
  const server = new TaskServer(hello, 'process', {
    // What cannot be delivered has nobody who waits for it.
    send: (message: FromWorker) => process.send?.({ heddle: message }, undefined, undefined, () => undefined),
  })
  process.on('message', (message: Partial<LaneMessage<ToWorker>> | null) => {
    if (message?.heddle) server.receive(message.heddle)
  })
  server.watchEnd()
  return server.start({ pid: process.pid })
}
