import { parentPort, threadId } from 'node:worker_threads'
import { TaskServer, type ToWorker } from '@heddle/pool-core'
import type { ThreadHello } from './thread-host.js'

/** What a worker thread of the pool runs at its start: it opens the lane, over which all tasks come. */
export default function serve({ port, ...hello }: ThreadHello): ReturnType<TaskServer['start']> {
  // What a task posts there would reach tinypool, which ends the program for messages that it does not know.
  if (parentPort)
    parentPort.postMessage = () => {
      throw new Error('a task has no parent to post to: tell the caller with taskContext().progress(value)')
    }
  const server = new TaskServer(hello, 'thread', {
    send: (message, transfer) => port.postMessage(message, transfer as never),
  })
  port.on('message', (message: ToWorker) => server.receive(message))
  server.watchEnd()
  return server.start({ threadId })
}
