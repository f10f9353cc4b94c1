import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import type { Server } from 'node:http'
import { connect } from 'node:net'
import { type LiveServer, startServer } from '@heddle/demo/serve/server.js'
import { afterEach, describe, expect, test } from '@jest/globals'
import { PageClient } from './support/live-page.js'

/** None of them is over in a test that does not shorten it. */
const patience = { headers: 25_000, request: 25_000, nextRequest: 25_000, reader: 25_000 }

let live: LiveServer
let client: PageClient
let server: Server

async function start(options: Parameters<typeof startServer>[0]): Promise<void> {
  live = await startServer(options)
  client = new PageClient(live.url)
  server = await serverOf(client)
}
afterEach(async () => {
  await live.close()
})

/** Node's own server behind a page. */
async function serverOf(page: PageClient): Promise<Server> {
  const found: Server[] = []
  const listen = (message: unknown) => void found.push((message as { server: Server }).server)
  subscribe('http.server.request.start', listen)
  await page.ask({})
  unsubscribe('http.server.request.start', listen)
  return found[0] as Server
}

const connections = () =>
  new Promise<number>((resolve, reject) => {
    server.getConnections((error, count) => (error ? reject(error) : resolve(count)))
  })

/** Resolves when the server has closed all connections; rejects if it has not in so many milliseconds. */
async function allClosed(ms: number): Promise<void> {
  const deadline = performance.now() + ms
  while ((await connections()) > 0) {
    if (performance.now() > deadline) throw new Error('the server keeps a connection')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

describe('of who has said', () => {
  /** What the server says to this, and after how many milliseconds it ends the connection. */
  async function exchange(text: string): Promise<{ status: number; ms: number }> {
    const begun = performance.now()
    const socket = connect(client.port, '127.0.0.1', () => socket.write(text))
    let said = ''
    socket.setEncoding('utf8').on('data', (piece: string) => {
      said += piece
    })
    await once(socket, 'end')
    const ms = performance.now() - begun
    await allClosed(2_000)
    return { status: Number(said.split(' ')[1]), ms }
  }

  test.each([
    ['nothing', ''],
    ['one letter', 'G'],
    ['one header', 'GET / HTTP/1.1\r\nHost: x\r\n'],
  ])('%s: the server does not wait for the rest of its headers for long', async (_what, text) => {
    await start({ port: 0, patience: { ...patience, headers: 200 } })
    const { status, ms } = await exchange(text)
    expect([status, ms >= 200, ms < 5_000]).toEqual([408, true, true])
  })

  test('the beginning of a body: it does not wait for the rest of it for long', async () => {
    await start({ port: 0, patience: { ...patience, headers: 200, request: 500 } })
    const headers = { Host: new URL(client.origin).host, Origin: client.origin, 'Content-Type': 'application/json' }
    const lines = Object.entries({ ...headers, 'Content-Length': '14' }).map(([name, value]) => `${name}: ${value}\r\n`)
    const { status, ms } = await exchange(`POST /${client.token}/actions HTTP/1.1\r\n${lines.join('')}\r\n{"do":"st`)
    expect([status, ms >= 500, ms < 5_000]).toEqual([408, true, true])
  })

  test('a request that is answered: it does not wait for the next one for long', async () => {
    await start({ port: 0, patience: { ...patience, nextRequest: 200 } })
    const { status, ms } = await exchange(`GET / HTTP/1.1\r\nHost: ${new URL(client.origin).host}\r\n\r\n`)
    expect([status, ms >= 200, ms < 5_000]).toEqual([403, true, true])
  })
})

test('who takes nothing of what it asked for is let go, and who watches is not', async () => {
  await start({ port: 0, patience: { ...patience, reader: 400 } })
  const watching = await client.watch()
  await client.act({ do: 'start', scenario: 'limiter' })
  const socket = connect(client.port, '127.0.0.1').pause()
  socket.on('error', () => {})
  // More than the system keeps for one connection.
  const path = `/${client.token}/vendor/uplot.js`
  socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${client.port}\r\n\r\n`.repeat(200))
  await once(server, 'request')
  while ((await connections()) > 1) await new Promise((resolve) => setTimeout(resolve, 20))
  socket.destroy()
  const { time } = await watching.until('time', (newest) => newest)
  expect(await watching.until('it goes on', (newest) => newest.time > time)).toBe(true)
  watching.close()
})

test.each([
  ['no request at all', 'no request at all\r\n\r\n'],
  ['a request to be a proxy', 'CONNECT 127.0.0.1:1 HTTP/1.1\r\nHost: PORT\r\n\r\n'],
  [
    'a request for another protocol',
    'GET / HTTP/1.1\r\nHost: PORT\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
  ],
])('%s is refused, and its connection is closed, also if the client does not close its side', async (_what, text) => {
  await start({ port: 0 })
  const socket = connect({ port: client.port, host: '127.0.0.1', allowHalfOpen: true })
  socket.write(text)
  const [answer] = (await once(socket, 'data')) as [Buffer]
  await once(socket, 'end')
  expect([answer.toString().split('\r\n')[0], socket.writable]).toEqual(['HTTP/1.1 400 Bad Request', true])
  await allClosed(2_000)
  socket.destroy()
})

test('a connection that the system does not let in is not the end of the server', async () => {
  await start({ port: 0 })
  for (let n = 0; n < 2; n++) server.emit('error', Object.assign(new Error('accept EMFILE'), { code: 'EMFILE' }))
  expect((await client.ask({})).status).toBe(200)
})
