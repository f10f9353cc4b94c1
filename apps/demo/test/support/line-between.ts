import { createServer, request, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

/** A line between browser and server that can be cut, fall silent and be mended; the server sees its own name and origin. */
export class LineBetween {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #isSilent = false

  private constructor(origin: string) {
    this.#server = createServer((asked, answer) => {
      const headers = { ...asked.headers, host: new URL(origin).host, ...(asked.headers.origin && { origin }) }
      const onward = request(`${origin}${asked.url}`, { method: asked.method ?? 'GET', headers, agent: false })
      onward.once('response', (response) => {
        answer.writeHead(response.statusCode ?? 502, response.headers)
        answer.flushHeaders()
        response.on('data', (piece: Buffer) => {
          if (!this.#isSilent) answer.write(piece)
        })
        response.once('end', () => answer.end())
        response.once('error', () => answer.destroy())
      })
      onward.once('error', () => answer.destroy())
      answer.once('close', () => onward.destroy())
      asked.pipe(onward)
    })
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
    })
  }

  /** A line to the server of this origin. */
  static async to(origin: string): Promise<LineBetween> {
    const line = new LineBetween(origin)
    await line.#listen(0)
    return line
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Nothing goes through any more, and nobody can connect, until what this returns is called. */
  async cut(): Promise<() => Promise<void>> {
    const { port } = this
    await this.close()
    return () => this.#listen(port)
  }

  /** All connections stay, and say nothing more. */
  silence(isSilent: boolean): void {
    this.#isSilent = isSilent
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve))
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }

  async #listen(port: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(port, '127.0.0.1', resolve)
    })
  }
}
