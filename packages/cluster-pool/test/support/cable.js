// A way to a server that can be cut: what is sent meanwhile arrives later, as on a network that is away for a while.
import { once } from 'node:events'
import { connect, createServer } from 'node:net'

export async function startCable(server) {
  const { hostname, port } = new URL(server.url)
  const sockets = new Set()
  let isCut = false
  const hold = (socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => sockets.delete(socket))
    if (isCut) socket.pause()
  }
  const join = (one, other) => {
    one.on('data', (chunk) => other.write(chunk))
    one.on('close', () => other.destroy())
  }
  const cable = createServer((near) => {
    const far = connect(Number(port), hostname)
    join(near, far)
    join(far, near)
    hold(near)
    hold(far)
  })
  cable.listen(0, '127.0.0.1')
  await once(cable, 'listening')
  const url = new URL(server.url)
  url.port = String(cable.address().port)
  return {
    url: url.href,
    cut() {
      isCut = true
      for (const socket of sockets) socket.pause()
    },
    /** How many bytes have come from this side and wait. */
    get held() {
      let bytes = 0
      for (const socket of sockets) bytes += socket.readableLength
      return bytes
    },
    breakAll() {
      for (const socket of sockets) socket.destroy()
    },
    mend() {
      isCut = false
      for (const socket of sockets) socket.resume()
    },
    async [Symbol.asyncDispose]() {
      cable.close()
      for (const socket of sockets) socket.destroy()
      await once(cable, 'close')
    },
  }
}
