import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { Refusal } from './refusal.js'

/** What every request has to bring along, whatever it asks for. */
export class Guard {
  readonly #host: string
  readonly #origin: string
  readonly #token: Buffer

  constructor(port: number, token: string) {
    this.#host = `127.0.0.1:${port}`
    this.#origin = `http://${this.#host}`
    this.#token = digest(token)
  }

  /**
   * The path below the token, without the query.
   *
   * @throws Refusal: it came by another name, which is what a page does that has its own name lead here (DNS rebinding); from
   * another page; or without the token
   */
  admit(request: IncomingMessage): string {
    const { host, origin } = request.headersDistinct
    if (host?.length !== 1 || host[0] !== this.#host) throw new Refusal(403, 'another Host than mine')
    if (origin !== undefined && !this.#isMine(origin)) throw new Refusal(403, 'another Origin than mine')
    const [, token, path] = /^\/([^/?#]*)\/([^?#]*)/.exec(request.url ?? '') ?? []
    // Digests are of one length, and how far they agree says nothing of the token.
    if (token === undefined || path === undefined || !timingSafeEqual(digest(token), this.#token))
      throw new Refusal(403, 'this is not for you: use the address that the server has printed')
    return path
  }

  /** @throws Refusal: it is no request by a script of our own page with JSON in it */
  admitAction(request: IncomingMessage): void {
    const { origin, 'content-type': type, 'content-encoding': encoding } = request.headersDistinct
    if (origin === undefined || !this.#isMine(origin)) throw new Refusal(403, 'another Origin than mine')
    if (type?.length !== 1 || !/^application\/json(; *charset=utf-8)?$/i.test(type[0] ?? '') || encoding !== undefined)
      throw new Refusal(415, 'actions are application/json')
  }

  #isMine(origin: readonly string[]): boolean {
    return origin.length === 1 && origin[0] === this.#origin
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
