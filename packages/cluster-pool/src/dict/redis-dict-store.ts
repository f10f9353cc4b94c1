import type { RedisScript, RedisServer } from '../connection/redis-server.js'
import { nameInNotice } from './dict-notice.js'
import type { Conditions, DictStore, Ending, Page, StoredEntry } from './dict-store.js'
import {
  addScript,
  clearScript,
  countScript,
  dictParts,
  hasScript,
  pageScript,
  readScript,
  removeScript,
  writeScript,
} from './redis-dict-scripts.js'

/** A dict on Redis: the keys of one name. */
export class RedisDictStore implements DictStore {
  readonly channel: string
  readonly #server: RedisServer
  readonly #keys: readonly string[]

  constructor(server: RedisServer, name: string) {
    this.#server = server
    this.#keys = dictParts.map((part) => server.key('dict', name, part))
    this.channel = `dict:${name}`
  }

  async read(key: string): Promise<StoredEntry | undefined> {
    const answer = await this.#server.runForBuffers(readScript, this.#keys, [key], { idempotent: true })
    return answer ? entryOf(answer as [Buffer, Buffer, Buffer]) : undefined
  }

  async has(key: string): Promise<boolean> {
    return (await this.#server.run(hasScript, this.#keys, [key], { idempotent: true })) === 1
  }

  async write(
    key: string,
    bytes: Uint8Array,
    ending: Ending,
    { ifVersion, fence }: Conditions,
  ): Promise<bigint | undefined> {
    const value = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const rest = [value, endingIn(ending), ifVersion?.toString() ?? '', fence?.toString() ?? '']
    const isFree = ifVersion === undefined && fence === undefined
    const version = await this.#change(writeScript, key, rest, isFree)
    return version === null ? undefined : BigInt(version as string)
  }

  async remove(key: string, { ifVersion, fence }: Conditions): Promise<boolean> {
    return (await this.#change(removeScript, key, [ifVersion?.toString() ?? '', fence?.toString() ?? ''])) === 1
  }

  async add(key: string, amount: number, ending: Ending): Promise<number | 'no number' | 'out of range'> {
    const answer = await this.#change(addScript, key, [String(amount), endingIn(ending)])
    const [what, sum] = answer as ['no number' | 'out of range' | 'sum', string]
    return what === 'sum' ? Number(sum) : what
  }

  async count(): Promise<number> {
    return (await this.#server.run(countScript, this.#keys, [], { idempotent: true })) as number
  }

  async page(after: string | undefined, withValues: boolean): Promise<Page> {
    const from = after === undefined ? '-' : `(${after}`
    const answer = await this.#server.runForBuffers(pageScript, this.#keys, [from, withValues ? 1 : 0], {
      idempotent: true,
    })
    const [last = Buffer.of(), ...parts] = answer as Buffer[]
    const entries: [string, StoredEntry][] = []
    for (let index = 0; index < parts.length; index += 4) {
      const [key, version, left, value] = parts.slice(index, index + 4) as [Buffer, Buffer, Buffer, Buffer]
      entries.push([key.toString(), entryOf([version, left, value])])
    }
    return { entries, next: last.length === 0 ? undefined : last.toString() }
  }

  async clear(): Promise<void> {
    await this.#server.run(clearScript, this.#keys, [this.#server.notices.channel(this.channel), '', ''], {
      idempotent: true,
    })
  }

  #change(script: RedisScript, key: string, rest: (string | Buffer)[], idempotent = false): Promise<unknown> {
    const channel = this.#server.notices.channel(this.channel)
    return this.#server.run(script, this.#keys, [channel, key, nameInNotice(key), ...rest], { idempotent })
  }
}

function entryOf([version, left, bytes]: readonly [Buffer, Buffer, Buffer]): StoredEntry {
  const expiresIn = left.length === 0 ? undefined : Number(left.toString()) / 1_000
  return { bytes, version: BigInt(version.toString()), expiresIn }
}

function endingIn(ending: Ending): string {
  if (ending === 'as it is') return ''
  return ending === 'never' ? '0' : String(Math.ceil(ending * 1_000))
}
