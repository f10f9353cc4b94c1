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

/** A browser opens six connections to a server, for all its pages together: one is left for what they ask for. */
const mostStreams = 5
const mostConnections = 64
const standardLingerMs = 60_000

/** How long the server waits for those at the other end, in milliseconds. */
export interface Patience {
  /** Until the headers of a request are there. */
  readonly headers: number
  /** Until all of it is. */
  readonly request: number
  /** Until the next request of a connection begins. */
  readonly nextRequest: number
  /** Until somebody takes more of what is sent. */
  readonly reader: number
}

const standardPatience: Patience = { headers: 5_000, request: 10_000, nextRequest: 5_000, reader: 30_000 }

export interface ServeOptions {
  /** 0: one that is free. */
  readonly port: number
  /** A scenario that nobody has watched for so long is stopped. Default: a minute. */
  readonly lingerMs?: number
  /** Default: 5 s for headers and for the next request, 10 s for a request, 30 s for a reader. */
  readonly patience?: Patience
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
export async function startServer({
  port: wanted,
  lingerMs = standardLingerMs,
  patience = standardPatience,
}: ServeOptions): Promise<LiveServer> {
  const director = new Director(lingerMs)
  const files = new Files()
  const token = randomBytes(32).toString('base64url')
  const server = createServer({
    // Our own answers say it, with our headers.
    requireHostHeader: false,
    maxHeaderSize: 8_192,
    headersTimeout: patience.headers,
    requestTimeout: patience.request,
    keepAliveTimeout: patience.nextRequest,
    connectionsCheckingInterval: Math.min(1_000, patience.headers),
  })
  server.maxConnections = mostConnections
  // Of connections over which nothing goes in either direction; those who watch are told something each second.
  server.timeout = patience.reader
  const port = await listen(server, wanted)
  // One connection could not be taken, for want of file descriptors for instance. The others go on, and the next one may be.
  server.on('error', () => {})
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
        throw new Refusal(503, `${mostStreams} pages watch already, and that is the most: close one of them`, {
          'Retry-After': '5',
        })
      streams += 1
      response.once('close', () => {
        streams -= 1
      })
      streamEvents(response, director, patience.reader)
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
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      server.off('error', reject)
      resolve()
    })
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
  const text = `HTTP/1.1 ${status}\r\n${headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`
  // Who is answered so need not close its side, and nobody else would: of this connection Node knows no more.
  socket.end(text, () => socket.destroy())
}
