import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'

/**
 * Below the ports that systems give to outgoing connections. In that range another program's connection could take the port
 * while the server is down; so could a client of ours that tries to connect again: it may be connected to itself.
 */
const lowest = 20_000
const highest = 32_767
const tries = 200

/** A port of 127.0.0.1 on which nobody listens at this moment. Another may be quicker. */
export async function freePort(): Promise<number> {
  for (let left = tries; left > 0; left--) {
    const port = randomInt(lowest, highest + 1)
    if (await isFree(port)) return port
  }
  throw new Error(`${tries} ports of 127.0.0.1 between ${lowest} and ${highest} were all in use`)
}

/** Whether one could listen on the port now. */
export async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  // Only in this moment, and only where the program waits for it.
  server.listen({ port, host: '127.0.0.1', exclusive: true })
  try {
    await once(server, 'listening')
  } catch {
    return false
  }
  server.close()
  await once(server, 'close')
  return true
}
