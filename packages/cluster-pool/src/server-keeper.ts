// A process that owns one database server. Its only tie is the channel to its program: when that closes, however the program has
// ended, the server and its temporary folder go, and then this process.
//
// If this process itself is killed by SIGKILL, the server stays: Linux could tell it by PR_SET_PDEATHSIG, which Node has no way to set.

import type { KeeperMessage, KeeperOrder } from './local-server/keeper-message.js'
import { KeptServer } from './local-server/kept-server.js'

// Ctrl-C, a closed terminal or a polite `kill` are for the program to answer, and it may still need its server to do so.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined)

// What cannot be delivered has nobody who waits for it.
const send = (message: KeeperMessage) => process.send?.(message, undefined, undefined, () => undefined)

const server = new KeptServer((ended) => send({ ended }))

async function obey({ id, order }: KeeperOrder): Promise<void> {
  try {
    if (order.do === 'prepare') send({ id, value: await server.prepare(order) })
    else if (order.do === 'run') send({ id, value: await server.run(order.port) })
    else send({ id, value: await server.end() })
  } catch (error) {
    send({ id, problem: error instanceof Error ? error.message : String(error) })
  }
}

process.on('message', (order: KeeperOrder) => void obey(order))

process.once('disconnect', () => {
  server.close().then(
    () => process.exit(0),
    () => process.exit(1),
  )
})
