import { type PoolKind, TaskServer } from '@heddle/pool-core'

/** The simplest place for tasks: they run in this very thread, one at a time, so there is nothing to start or to end. */
export const thisThread: PoolKind = {
  what: 'place in this thread',
  boundary: 'thread',
  startWorker: () => (hello, events) => {
    let hasEnded = false
    const server = new TaskServer(hello, 'thread', {
      send: (message) => queueMicrotask(() => hasEnded || events.onMessage(message)),
    })
    void server.start({}).then(() => events.onReady())
    return {
      pid: undefined,
      threadId: undefined,
      send: (message) => queueMicrotask(() => server.receive(message)),
      async kill() {
        if (hasEnded) return
        hasEnded = true
        events.onEnd({ how: 'was closed', wasStarting: false, initializerFailed: false })
      },
    }
  },
}
