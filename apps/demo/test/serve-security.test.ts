import { connect } from 'node:net'
import { networkInterfaces } from 'node:os'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { type Answer, LivePage } from './support/live-page.js'

let page: LivePage
beforeAll(async () => {
  page = await LivePage.start()
})
afterAll(async () => {
  await page.end()
})

const stop = JSON.stringify({ do: 'stop' })

function expectHardened({ headers }: Pick<Answer, 'headers'>): void {
  expect(headers).toMatchObject({
    'content-security-policy':
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'cache-control': 'no-store',
  })
  expect(Object.keys(headers).filter((name) => name.startsWith('access-control-'))).toEqual([])
}

function expectRefused(answer: Answer, status: number): void {
  expect(answer.status).toBe(status)
  expect(JSON.parse(answer.body)).toEqual({ error: expect.any(String) })
  expect(answer.body).not.toContain(page.token)
  expectHardened(answer)
}

/** What the server says to bytes that no client would send. */
async function exchange(text: string): Promise<Answer> {
  const said = await new Promise<string>((resolve, reject) => {
    let heard = ''
    const socket = connect(page.port, '127.0.0.1', () => socket.write(text))
    socket.setEncoding('utf8').on('data', (piece: string) => {
      heard += piece
    })
    socket.once('error', reject)
    socket.once('close', () => resolve(heard))
  })
  const [head = '', body = ''] = said.split('\r\n\r\n')
  const [first = '', ...lines] = head.split('\r\n')
  const headers = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)]),
  )
  return { status: Number(first.split(' ')[1]), headers, body }
}

describe('who is let in', () => {
  test('the address is one of this machine alone, with a token that nobody guesses', async () => {
    expect(page.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/[\w-]{43}\/$/)
    const other = await LivePage.start()
    expect(other.token).not.toBe(page.token)
    const { stdout } = await other.end()
    expect(stdout).toBe(`${other.url}\n`)
  })

  test('nobody listens at other addresses of the machine', async () => {
    const others = Object.values(networkInterfaces())
      .flatMap((addresses) => addresses ?? [])
      .filter(({ address, family, scopeid }) => address !== '127.0.0.1' && (family === 'IPv4' || !scopeid))
      .map(({ address }) => address)
    for (const address of ['127.0.0.2', ...others]) {
      const code = await new Promise((resolve) => {
        const socket = connect({ port: page.port, host: address }, () => {
          socket.destroy()
          resolve('connected')
        })
        socket.once('error', ({ code: why }: NodeJS.ErrnoException) => resolve(why))
      })
      expect([address, code]).not.toEqual([address, 'connected'])
    }
  })

  test.each(['localhost:PORT', '127.0.0.1', '127.0.0.1:1', 'evil.example:PORT', '127.0.0.1:PORT.evil.example'])(
    'a request for the host "%s" is refused, also with the token',
    async (host) => {
      const headers = { Host: host.replace('PORT', `${page.port}`) }
      expectRefused(await page.ask({ headers }), 403)
      expectRefused(await page.post(stop, headers), 403)
    },
  )

  test('a request with no Host, or two, is refused', async () => {
    const hosts = `Host: 127.0.0.1:${page.port}\r\n`.repeat(2)
    const start = `GET /${page.token}/ HTTP/1.1\r\nConnection: close\r\n`
    expectRefused(await exchange(`${start}\r\n`), 403)
    expectRefused(await exchange(`${start}${hosts}\r\n`), 403)
    expect((await exchange(`${start}Host: 127.0.0.1:${page.port}\r\n\r\n`)).status).toBe(200)
  })

  test.each([
    'http://evil.example',
    'null',
    'http://localhost:PORT',
    'https://127.0.0.1:PORT',
    'http://127.0.0.1:PORT/',
  ])('a request from the origin "%s" is refused, whatever it asks for', async (origin) => {
    const headers = { Origin: origin.replace('PORT', `${page.port}`) }
    expectRefused(await page.post(stop, headers), 403)
    for (const path of ['', 'events', 'trace.json']) expectRefused(await page.ask({ path, headers }), 403)
  })

  test('an action without an Origin is refused, a page without one is not', async () => {
    expectRefused(await page.post(stop, { Origin: undefined }), 403)
    expect((await page.ask({})).status).toBe(200)
    expect((await page.post(stop)).status).toBe(204)
  })

  test('without the token there is nothing, whatever the path', async () => {
    const { token } = page
    const changed = `${token[0] === 'A' ? 'B' : 'A'}${token.slice(1)}`
    const targets = ['/', '/events', '/favicon.ico', `/${token}`, `//${token}/`, `/${changed}/`, `/${token.slice(1)}/`]
    targets.push(
      `/${token}A/`,
      `/${token}=/`,
      `/%${token}/`,
      `/?${token}/`,
      `/x/${token}/`,
      '*',
      `http://127.0.0.1:${page.port}/${token}/`,
    )
    for (const target of targets) {
      expectRefused(await page.ask({ target }), 403)
      expectRefused(
        await page.ask({
          target: `${target}actions`,
          method: 'POST',
          headers: { Origin: page.origin, 'Content-Type': 'application/json' },
          body: stop,
        }),
        403,
      )
    }
    const headers = { Cookie: `token=${token}`, Authorization: `Bearer ${token}`, Referer: page.url }
    expectRefused(await page.ask({ target: '/', headers }), 403)
  })
})

describe('what may be asked', () => {
  test.each(['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND'])(
    '%s is refused for what is only read',
    async (method) => {
      for (const path of ['', 'events', 'trace.json', 'style.css']) {
        const answer = await page.ask({ path, method })
        expectRefused(answer, 405)
        expect(answer.headers.allow).toBe('GET')
      }
    },
  )

  test.each(['GET', 'PUT', 'DELETE', 'OPTIONS'])('%s is refused for actions', async (method) => {
    const headers = { Origin: page.origin, 'Access-Control-Request-Method': 'POST' }
    const answer = await page.ask({ path: 'actions', method, headers })
    expectRefused(answer, 405)
    expect(answer.headers.allow).toBe('POST')
  })

  test.each([
    undefined,
    '',
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data',
    'application/jsonp',
    'text/plain, application/json',
    'application/json; charset=utf-16',
  ])('an action of the type %s is refused', async (type) => {
    expectRefused(await page.post(stop, { 'Content-Type': type }), 415)
  })

  test('an action that is packed is refused, one that names its letters is not', async () => {
    expectRefused(await page.post(stop, { 'Content-Encoding': 'gzip' }), 415)
    expect((await page.post(stop, { 'Content-Type': 'application/json; charset=utf-8' })).status).toBe(204)
  })

  test('an action takes 1,024 bytes and not one more, whether or not it says so before', async () => {
    expect((await page.post(stop.padEnd(1_024))).status).toBe(204)
    expectRefused(await page.post(stop.padEnd(1_025)), 413)
    expectRefused(await page.post([stop, ' '.repeat(600), ' '.repeat(600)], { 'Transfer-Encoding': 'chunked' }), 413)
    expectRefused(await page.post('ä'.repeat(513)), 413)
    expect((await page.post(stop)).status).toBe(204)
  })

  test.each([
    '',
    'null',
    '[]',
    '"stop"',
    '{',
    '{"do":"sing"}',
    '{"do":"start"}',
    '{"do":"start","scenario":7}',
    '{"do":"pace"}',
    '{"do":"pace","pace":"2"}',
    '{"do":"pace","pace":0.99}',
    '{"do":"pace","pace":20.01}',
    '{"do":"pace","pace":1e999}',
    '{"do":"kill","lane":"1"}',
    '{"do":"kill","lane":1.5}',
    '{"__proto__":{"do":"stop"}}',
  ])('%s is no action', async (body) => {
    expectRefused(await page.post(body), 400)
  })

  test.each(['nothing', 'constructor', '__proto__', '../locks'])('there is no scenario "%s"', async (scenario) => {
    expectRefused(await page.act({ do: 'start', scenario }), 409)
  })

  test('what is not a lane of ours is not killed', async () => {
    for (const lane of [0, 1, -1, page.child.pid ?? 0]) expectRefused(await page.act({ do: 'kill', lane }), 409)
  })

  test('a path is a name in a table, and leads nowhere else', async () => {
    const ways = [
      '../../package.json',
      '../page/static/index.html',
      'scripts/../style.css',
      'scripts/../../package.json',
    ]
    ways.push(
      '%2e%2e/%2e%2e/package.json',
      'scripts/%2e%2e%2fmain.js',
      'scripts%2fmain.js',
      '..\\..\\package.json',
      './style.css',
    )
    ways.push(
      '/style.css',
      '/etc/passwd',
      'scripts/',
      'vendor',
      'vendor/../index.html',
      'index.html',
      'style.css/',
      'style.css%00.js',
    )
    ways.push('scripts/../main.js', 'scripts/main.d.ts', 'toString', '__proto__')
    for (const path of ways) expectRefused(await page.ask({ path }), 404)
    const style = await page.ask({ path: 'style.css?../../package.json' })
    expect([style.status, style.headers['content-type']]).toEqual([200, 'text/css; charset=utf-8'])
  })
})

describe('every answer', () => {
  test.each([
    ['', 'text/html; charset=utf-8'],
    ['style.css', 'text/css; charset=utf-8'],
    ['scripts/main.js', 'text/javascript; charset=utf-8'],
    ['scripts/main.js.map', 'application/json'],
    ['vendor/uplot.js', 'text/javascript; charset=utf-8'],
    ['vendor/uplot.css', 'text/css; charset=utf-8'],
    ['trace.json', 'application/json'],
  ])('with "%s" says what it is, and what a browser may do with it', async (path, type) => {
    const answer = await page.ask({ path })
    expect([answer.status, answer.headers['content-type']]).toEqual([200, type])
    expect(answer.body.length).toBeGreaterThan(0)
    expectHardened(answer)
  })

  test('to an action, and to who watches, does so too', async () => {
    expectHardened(await page.post(stop))
    const events = await page.open({ path: 'events' })
    expect([events.statusCode, events.headers['content-type']]).toEqual([200, 'text/event-stream'])
    expectHardened(events)
    events.destroy()
  })

  test('to what is no request of ours does so too', async () => {
    const host = `Host: 127.0.0.1:${page.port}\r\n`
    const broken = [
      ['no request at all\r\n\r\n', 400],
      [`GET /${page.token}/ HTTP/1.1\r\n${host}X: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
      [`GET /${page.token}/events HTTP/1.1\r\n${host}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`, 400],
      [`CONNECT 127.0.0.1:${page.port} HTTP/1.1\r\n${host}\r\n`, 400],
    ] as const
    for (const [text, status] of broken) {
      const answer = await exchange(text)
      expect([text.slice(0, 20), answer.status]).toEqual([text.slice(0, 20), status])
      expectHardened(answer)
    }
  })
})

describe('how much of it', () => {
  test('five may watch; the sixth is told why not, until one has left', async () => {
    const watching = await Promise.all(Array.from({ length: 5 }, () => page.watch()))
    const sixth = await page.ask({ path: 'events' })
    expectRefused(sixth, 503)
    expect(JSON.parse(sixth.body)).toEqual({ error: '5 pages watch already, and that is the most: close one of them' })
    expect(sixth.headers['retry-after']).toBe('5')
    watching[0]?.close()
    let status = 503
    while (status === 503) {
      const next = await page.open({ path: 'events' })
      status = next.statusCode ?? 0
      next.destroy()
    }
    expect(status).toBe(200)
    for (const each of watching) each.close()
  })

  test('of more than 64 connections the last ones are closed, and those before go on', async () => {
    const open = () =>
      new Promise<{ socket: ReturnType<typeof connect>; closed: Promise<void> }>((resolve) => {
        const socket = connect(page.port, '127.0.0.1', () => resolve({ socket, closed }))
        socket.on('error', () => {})
        const closed = new Promise<void>((end) => socket.once('close', () => end()))
      })
    // Those of the test before may not be gone yet: so many that some are too many in any case.
    const connections = await Promise.all(Array.from({ length: 70 }, open))
    await Promise.race(connections.map(({ closed }) => closed))
    for (const { socket } of connections) socket.destroy()
    await Promise.all(connections.map(({ closed }) => closed))
    let status = 0
    while (status === 0)
      status = await page.ask({}).then(
        (answer) => answer.status,
        () => 0,
      )
    expect(status).toBe(200)
  })
})
