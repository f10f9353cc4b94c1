import { randomUUID } from 'node:crypto'
import { RedisScript, type RedisServer } from '../connection/redis-server.js'
import { type PublishRequest, publisherMemoryMs, type TopicStore, topicMemoryMs } from './topic-store.js'

/*
 * | key   | kind   | what is in it                                   |
 * | state | hash   | epoch; place of the last message                |
 * | sent  | string | the number of the last request of one object    |
 */
const parts = ['state']

const common = `
local state, channel = KEYS[1], ARGV[1]
redis.call('HSETNX', state, 'epoch', ARGV[2])
redis.call('PEXPIRE', state, ${topicMemoryMs})
local epoch = redis.call('HGET', state, 'epoch')
`

/** ARGV: channel, a new epoch, number, bodies. */
const publishScript = new RedisScript(`${common}
local sent, number = KEYS[2], tonumber(ARGV[3])
if tonumber(redis.call('GET', sent) or 0) >= number then return 0 end
redis.call('SET', sent, number, 'PX', ${publisherMemoryMs})
for i = 4, #ARGV do
  local place = redis.call('HINCRBY', state, 'place', 1)
  redis.call('PUBLISH', channel, string.format('%s %.0f %s', epoch, place, ARGV[i]))
end
return 1
`)

/** ARGV: channel, a new epoch. */
const markScript = new RedisScript(`${common}
redis.call('PUBLISH', channel, epoch .. ' ' .. (redis.call('HGET', state, 'place') or 0))
return 1
`)

/** A topic on Redis: the keys and the channel of one name. */
export class RedisTopic implements TopicStore {
  readonly channel: string
  readonly #server: RedisServer
  readonly #keys: readonly string[]

  /** @param client - random, of one object */
  constructor(server: RedisServer, name: string, client: string) {
    this.channel = `topic:${name}`
    this.#server = server
    this.#keys = [...parts, `sent:${client}`].map((part) => server.key('topic', name, part))
  }

  async publish({ number, bodies }: PublishRequest): Promise<void> {
    await this.#run(publishScript, number, ...bodies)
  }

  async mark(): Promise<void> {
    await this.#run(markScript)
  }

  #run(script: RedisScript, ...rest: (string | number)[]): Promise<unknown> {
    const args = [this.#server.notices.channel(this.channel), randomUUID(), ...rest]
    return this.#server.run(script, this.#keys, args, { idempotent: true })
  }
}
