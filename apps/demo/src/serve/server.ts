import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { ActionError, Director } from './director.js'
import { readAction } from './http/action-body.js'
import { answer, answerError, commonHeaders } from './http/answers.js'
import { streamEvents } from './http/event-stream.js'
import { Files } from './http/files.js'
import { Guard } from './http/guard.js'
import { Refusal } from './http/refusal.js'

const mostStreams = 8
const mostConnections = 64
const standardLingerMs = 60_000

export interface ServeOptions {
  /** 0: one that is free. */
  readonly port: number
  /** A scenario that nobody has watched for so long is stopped. Default: a minute. */
  readonly lingerMs?: number
}

/** A server that listens. */
export interface LiveServer {
  /** Where the page is, with the token that opens it. */
  readonly url: string
  /** Ends all that runs, and all connections. A second call waits as well. */
  close(): Promise<void>
}

/**
 * Serves the live page to this machine, and to those alone who know the address that it gives.
 *
 * @throws what keeps it from listening, such as `EADDRINUSE`
 */
export async function startServer({ port: wanted, lingerMs = standardLingerMs }: ServeOptions): Promise<LiveServer> {
  const director = new Director(lingerMs)
  const files = new Files()
  const token = randomBytes(32).toString('base64url')
  const server = createServer({
    // Our own answers say it, with our headers.
    requireHostHeader: false,
    maxHeaderSize: 8_192,
    headersTimeout: 5_000,
    requestTimeout: 10_000,
    keepAliveTimeout: 5_000,
    connectionsCheckingInterval: 1_000,
  })
  server.maxConnections = mostConnections
  const port = await listen(server, wanted)
  const guard = new Guard(port, token)
  let streams = 0

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = guard.admit(request)
    if (path === 'actions') {
      requireMethod(request, 'POST')
      guard.admitAction(request)
      await director.act(await readAction(request))
      answer(response, 204, undefined)
      return
    }
    if (path !== 'events' && path !== 'trace.json' && !files.has(path)) throw new Refusal(404, 'there is nothing here')
    requireMethod(request, 'GET')
    if (path === 'events') {
      if (streams >= mostStreams)
        throw new Refusal(503, 'so many pages watch already: close one', { 'Retry-After': '5' })
      streams += 1
      response.once('close', () => {
        streams -= 1
      })
      streamEvents(response, director)
    } else if (path === 'trace.json') {
      answer(response, 200, director.trace(), {
        'Content-Type': 'application/json',
        'Content-Disposition': 'attachment; filename="trace.json"',
      })
    } else {
      const { body, type } = await files.read(path)
      answer(response, 200, body, { 'Content-Type': type })
    }
  }
  server.on('request', (request, response) => {
    response.on('error', () => {})
    handle(request, response).catch((error: unknown) => refuse(request, response, error))
  })
  server.on('clientError', refuseBroken)
  // Neither is for us; without these Node would close the first and answer the second by itself, without our headers.
  server.on('connect', (_request, socket: Socket) => refuseBroken(undefined, socket))
  server.on('upgrade', (_request, socket: Socket) => refuseBroken(undefined, socket))
  server.on('checkExpectation', (request, response) => refuse(request, response, new Refusal(417, 'nothing to expect')))

  return {
    url: `http://127.0.0.1:${port}/${token}/`,
    async close() {
      server.close()
      const closing = director.close()
      server.closeAllConnections()
      await closing
    },
  }
}

async function listen(server: Server, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ port, host: '127.0.0.1', exclusive: true }, resolve)
  })
  return (server.address() as AddressInfo).port
}

function requireMethod(request: IncomingMessage, method: 'GET' | 'POST'): void {
  if (request.method !== method) throw new Refusal(405, `this takes ${method}`, { Allow: method })
}

function refuse(request: IncomingMessage, response: ServerResponse, error: unknown): void {
  if (response.headersSent || response.destroyed) {
    response.destroy()
    return
  }
  // What was not read of the request is not read as the next one.
  const headers: Record<string, string> = request.complete ? {} : { Connection: 'close' }
  if (error instanceof Refusal) answerError(response, error.status, error.message, { ...headers, ...error.headers })
  else if (error instanceof ActionError) answerError(response, 409, error.message, headers)
  else answerError(response, 500, 'something inside failed', headers)
}

/** Something that came is no HTTP request, or none of ours, or took too long. */
function refuseBroken(error: (Error & { code?: string }) | undefined, socket: Socket): void {
  if (!socket.writable) {
    socket.destroy()
    return
  }
  const status =
    error?.code === 'HPE_HEADER_OVERFLOW'
      ? '431 Request Header Fields Too Large'
      : error?.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? '408 Request Timeout'
        : '400 Bad Request'
  const headers = Object.entries({ ...commonHeaders, Connection: 'close', 'Content-Length': '0' })
  socket.end(`HTTP/1.1 ${status}\r\n${headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`)
}
