import type { ChildProcess } from 'node:child_process'
import { type IncomingHttpHeaders, type IncomingMessage, type OutgoingHttpHeaders, request } from 'node:http'
import type { Action, Hello, LaneChange, Snapshot } from '@heddle/demo/serve/protocol.js'
import { type Ended, startDemo } from './run-demo.js'

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface Ask {
  readonly method?: string
  /** Below the token. */
  readonly path?: string
  /** The whole of it, in place of the token and `path`. */
  readonly target?: string
  /** One that is undefined is not sent. */
  readonly headers?: Readonly<Record<string, string | undefined>>
  readonly body?: string | readonly string[]
}

/** What a page can ask of a server. */
export class PageClient {
  readonly url: string
  readonly port: number
  readonly token: string
  readonly origin: string

  constructor(url: string) {
    this.url = url
    this.origin = new URL(url).origin
    this.port = Number(new URL(url).port)
    this.token = new URL(url).pathname.split('/')[1] ?? ''
  }

  /** Asks for something, and does not read the body of the answer. */
  open({
    method = 'GET',
    path = '',
    target = `/${this.token}/${path}`,
    headers = {},
    body,
  }: Ask): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const given: OutgoingHttpHeaders = {}
      for (const [name, value] of Object.entries({ Host: `127.0.0.1:${this.port}`, ...headers }))
        if (value !== undefined) given[name] = value
      const asking = request({ port: this.port, host: '127.0.0.1', method, path: target, headers: given, agent: false })
      asking.once('response', resolve)
      asking.once('error', reject)
      if (typeof body === 'string') asking.end(body)
      else {
        for (const piece of body ?? []) asking.write(piece)
        asking.end()
      }
    })
  }

  async ask(ask: Ask): Promise<Answer> {
    const response = await this.open(ask)
    let body = ''
    for await (const piece of response.setEncoding('utf8')) body += piece as string
    return { status: response.statusCode ?? 0, headers: response.headers, body }
  }

  /** A POST as the page makes it, with other headers or another body where a test wants them. */
  async post(body: Ask['body'], headers: Ask['headers'] = {}): Promise<Answer> {
    const own = { Origin: this.origin, 'Content-Type': 'application/json' }
    return await this.ask({ method: 'POST', path: 'actions', headers: { ...own, ...headers }, ...(body && { body }) })
  }

  async act(action: Action): Promise<Answer> {
    return await this.post(JSON.stringify(action))
  }

  async watch(): Promise<Watching> {
    return new Watching(await this.open({ path: 'events' }))
  }
}

/** `demo serve`, as its users start it. */
export class LivePage extends PageClient {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>

  private constructor(child: ChildProcess, ended: Promise<Ended>, url: string) {
    super(url)
    this.child = child
    this.ended = ended
  }

  static async start(...options: string[]): Promise<LivePage> {
    const { child, ended } = startDemo(['serve', ...options])
    const url = await new Promise<string>((resolve, reject) => {
      child.stdout?.once('data', (text: string) => resolve(text.trim()))
      void ended.then(({ stderr }) => reject(new Error(`it ended and said: ${stderr}`)))
    })
    return new LivePage(child, ended, url)
  }

  /** Ends it as Ctrl-C does. */
  async end(): Promise<Ended> {
    this.child.kill('SIGINT')
    return await this.ended
  }
}

/** A page that looks on. */
export class Watching {
  hello: Hello | undefined
  /** All that were told. */
  readonly snapshots: Snapshot[] = []
  readonly #response: IncomingMessage
  readonly #listeners = new Set<() => void>()

  constructor(response: IncomingMessage) {
    this.#response = response
    let text = ''
    response.setEncoding('utf8').on('data', (piece: string) => {
      text += piece
      const events = text.split('\n\n')
      text = events.pop() ?? ''
      for (const event of events) this.#hear(event)
    })
    // When the server ends, so does this.
    response.on('error', () => {})
  }

  get changes(): LaneChange[] {
    return this.snapshots.flatMap(({ changes }) => changes)
  }

  get notes(): string[] {
    return this.snapshots.flatMap(({ notes }) => notes.map(({ text }) => text))
  }

  /** Forgets what was told so far. */
  forget(): void {
    this.snapshots.length = 0
  }

  /** Resolves with what `look` finds in a snapshot, at once if it is in the newest one, else in the first that has it. */
  async until<Found>(what: string, look: (newest: Snapshot) => Found | undefined | false): Promise<Found> {
    return await new Promise<Found>((resolve, reject) => {
      const finish = (settle: () => void) => {
        clearTimeout(timer)
        this.#listeners.delete(listen)
        settle()
      }
      const listen = () => {
        const newest = this.snapshots.at(-1)
        const found = newest && look(newest)
        if (found !== undefined && found !== false) finish(() => resolve(found))
      }
      const timer = setTimeout(() => {
        const state = JSON.stringify(this.snapshots.at(-1), undefined, 1)
        finish(() => reject(new Error(`never seen: ${what}; notes: ${this.notes.join('; ')}; last of all: ${state}`)))
      }, 20_000)
      this.#listeners.add(listen)
      listen()
    })
  }

  close(): void {
    this.#response.destroy()
  }

  #hear(event: string): void {
    const [, name, data = ''] = /^event: (\w+)\ndata: (.*)$/s.exec(event) ?? []
    if (name === 'hello') this.hello = JSON.parse(data) as Hello
    else if (name === 'snapshot') this.snapshots.push(JSON.parse(data) as Snapshot)
    for (const listen of this.#listeners) listen()
  }
}
