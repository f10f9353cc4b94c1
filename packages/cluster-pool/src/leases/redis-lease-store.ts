import type { RedisScript, RedisServer } from '../connection/redis-server.js'
import type { LeaseAnswer, LeaseRequest, LeaseState, LeaseStore } from './lease-store.js'
import { otherBound } from './other-bound.js'
import { askScript, leaseParts, releaseScript, renewScript, stateScript } from './redis-lease-scripts.js'

/** A lock or a semaphore on Redis: the keys of one name. */
export class RedisLeaseStore implements LeaseStore {
  readonly channel: string
  /** One connection, which keeps the order. */
  readonly mayOvertake = false
  readonly #server: RedisServer
  readonly #keys: readonly string[]
  readonly #bound: number

  constructor(server: RedisServer, kind: string, name: string, bound: number) {
    this.#server = server
    this.#keys = leaseParts.map((part) => server.key(kind, name, part))
    this.#bound = bound
    this.channel = `${kind}:${name}`
  }

  async ask({ id, permits, lease, mayWait }: LeaseRequest): Promise<LeaseAnswer> {
    const answer = await this.#run(askScript, id, permits, this.#bound, microseconds(lease), mayWait ? 1 : 0)
    const [what, content] = answer as [string, string]
    if (what === 'token') return { token: BigInt(content) }
    if (what === 'wait') return { token: undefined, waitMs: Number(content) / 1_000 }
    throw otherBound(this.#bound, Number(content))
  }

  async renew(id: string, lease: number): Promise<boolean> {
    return (await this.#run(renewScript, id, microseconds(lease))) === 1
  }

  async release(id: string): Promise<void> {
    await this.#run(releaseScript, id)
  }

  async state(): Promise<LeaseState> {
    const [used, bound, waiters] = (await this.#run(stateScript)) as [number, number, number]
    return { used, bound: used + waiters === 0 ? this.#bound : bound, waiters }
  }

  #run(script: RedisScript, ...rest: (string | number)[]): Promise<unknown> {
    const channel = this.#server.notices.channel(this.channel)
    return this.#server.run(script, this.#keys, [channel, ...rest], { idempotent: true })
  }
}

/** Never less: the server's lease ends after the one that its holder counts. */
const microseconds = (ms: number): number => Math.ceil(ms * 1_000)
