import type { RedisScript, RedisServer } from '../connection/redis-server.js'
import type {
  Claim,
  ClaimAnswer,
  ClaimedItem,
  ClaimRequest,
  NumberedRequest,
  PutAnswer,
  PutRequest,
  QueueState,
  QueueStore,
  WaiterKind,
} from './queue-store.js'
import * as scripts from './redis-queue-scripts.js'

/** A queue on Redis: the keys of one name. */
export class RedisQueue implements QueueStore {
  readonly #server: RedisServer
  readonly #keys: readonly string[]
  readonly #client: string
  readonly #waiter: string

  /** @param client - random, of one object; it is also the tag by which that one is told to look, on `channel` */
  constructor(server: RedisServer, name: string, client: string, channel: string) {
    this.#server = server
    this.#keys = [...scripts.queueParts, `sent:${client}`].map((part) => server.key('queue', name, part))
    this.#client = client
    this.#waiter = `${channel} ${client}`
  }

  async put({ number, bodies, capacity, mayWait }: PutRequest): Promise<PutAnswer> {
    const args = [number, orMinusOne(capacity), mayWait ? this.#waiter : '', ...bodies.map(bufferOf)]
    const accepted = (await this.#run(scripts.putScript, ...args)) as number
    return { accepted: Math.max(accepted, 0), isClosed: accepted < 0 }
  }

  async claim({ number, most, lease, maxDeliveries, mayWait }: ClaimRequest): Promise<ClaimAnswer> {
    const token = `${this.#client}:${number}`
    const waiter = mayWait ? this.#waiter : ''
    const args = [number, token, most, lease, orMinusOne(maxDeliveries), waiter]
    const answer = await this.#server.runForBuffers(scripts.claimScript, this.#keys, args, { idempotent: true })
    const [isOver, nextEnd, ...rest] = answer as [number, Buffer, ...(number | Buffer)[]]
    const items: ClaimedItem[] = []
    for (let i = 0; i < rest.length; i += 3)
      items.push({ id: String(rest[i]), token, attempt: rest[i + 1] as number, body: rest[i + 2] as Buffer })
    return {
      items,
      isOver: isOver === 1,
      nextEnd: nextEnd.length > 0 ? Number(nextEnd.toString()) : Number.POSITIVE_INFINITY,
    }
  }

  async acknowledge({ number, claims }: NumberedRequest & { readonly claims: readonly Claim[] }): Promise<number[]> {
    return (await this.#run(scripts.acknowledgeScript, number, ...flat(claims))) as number[]
  }

  async renew(claims: readonly Claim[], lease: number): Promise<number[]> {
    return (await this.#run(scripts.renewScript, lease, ...flat(claims))) as number[]
  }

  async giveBack(claims: readonly Claim[], { isDelivered }: { readonly isDelivered: boolean }): Promise<void> {
    await this.#run(scripts.giveBackScript, isDelivered ? 0 : 1, ...flat(claims))
  }

  async leave(kind: WaiterKind): Promise<void> {
    await this.#run(scripts.leaveScript, kind, this.#waiter)
  }

  async close(): Promise<void> {
    await this.#run(scripts.closeScript)
  }

  async state(): Promise<QueueState> {
    const answer = (await this.#run(scripts.stateScript)) as [number, number, number, number]
    const [waiting, claimed, deadLetters, closed] = answer
    return { waiting, claimed, deadLetters, isClosed: closed === 1 }
  }

  async clear(): Promise<number> {
    return (await this.#run(scripts.clearScript)) as number
  }

  async destroy(): Promise<void> {
    await this.#run(scripts.destroyScript)
  }

  async deadLetters(most: number): Promise<{ body: Uint8Array; attempt: number }[]> {
    const answer = await this.#server.runForBuffers(scripts.deadLettersScript, this.#keys, [most], { idempotent: true })
    const flatAnswer = answer as (number | Buffer)[]
    const letters: { body: Uint8Array; attempt: number }[] = []
    for (let i = 0; i < flatAnswer.length; i += 2)
      letters.push({ attempt: flatAnswer[i] as number, body: flatAnswer[i + 1] as Buffer })
    return letters
  }

  async retryDeadLetters(): Promise<number> {
    return (await this.#run(scripts.retryDeadLettersScript)) as number
  }

  async clearDeadLetters(): Promise<number> {
    return (await this.#run(scripts.clearDeadLettersScript)) as number
  }

  #run(script: RedisScript, ...args: (string | number | Buffer)[]): Promise<unknown> {
    return this.#server.run(script, this.#keys, args, { idempotent: true })
  }
}

const flat = (claims: readonly Claim[]): string[] => claims.flatMap(({ id, token }) => [id, token])

const orMinusOne = (value: number): number => (value === Number.POSITIVE_INFINITY ? -1 : value)

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
