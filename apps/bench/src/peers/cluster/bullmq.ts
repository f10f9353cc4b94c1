import { setTimeout as delay } from 'node:timers/promises'
import { type JobsOptions, Queue, QueueEvents, Relay, runMigrations } from 'bullmq'
import pg from 'pg'
import { versionOf } from '../version.js'
import { backendOf, isRedis, queueName, type Replies, replyTopic, schema } from './bullmq-connection.js'
import { startOther } from './other-process.js'
import type { Runner } from './runner.js'

type Increments = Queue<{ n: number }, number>
type Caller = Pick<Runner, 'call' | 'close'>

/** ms between two looks at all tasks that are under way; of 5, 20, 50 and 100 the fastest with 64 in flight. */
const pollMs = 20

/** BullMQ as it is: a queue and what hears of results here, a worker there, which runs the bodies in its own loop. */
export async function startBullmq(url: string, replies: Replies): Promise<Runner> {
  if (!isRedis(url)) await migrate(url)
  const queue = await newQueue(url)
  const { call, close } = await callers[replies](queue, url)
  const worker = await startOther('./bullmq-process.js', { url, replies })
  return {
    version: versionOf('bullmq'),
    pid: worker.pid,
    call,
    close: async () => {
      await close()
      await queue.close()
      await worker.close()
    },
  }
}

const callers: Readonly<Record<Replies, (queue: Increments, url: string) => Promise<Caller>>> = {
  events: async (queue, url) => {
    const { connection, factory } = backendOf(url)
    const events = new QueueEvents(queueName, { connection }, factory)
    events.setMaxListeners(0)
    events.on('error', () => undefined)
    await events.waitUntilReady()
    return {
      call: async (n) => (await queue.add('increment', { n })).waitUntilFinished(events),
      close: () => events.close(),
    }
  },

  relay: async (queue, url) => {
    const relay = new Relay(backendOf(url).relay)
    relay.on('error', () => undefined)
    await relay.waitUntilReady()
    const calls = new Calls(queue)
    await relay.subscribe<{ id: string; result: number }>(replyTopic, ({ data }) => calls.settle(data.id, data.result))
    return { call: (n) => calls.start(n), close: () => relay.close() }
  },

  polling: async (queue) => {
    const calls = new Calls(queue)
    const closing = new AbortController()
    const poll = async () => {
      while (!closing.signal.aborted) {
        await delay(pollMs)
        await Promise.all(calls.ids().map(async (id) => calls.look(id)))
      }
    }
    const polling = poll()
    polling.catch(() => undefined)
    return {
      call: (n) => Promise.race([calls.start(n), polling]),
      close: async () => {
        closing.abort()
        await polling
      },
    }
  },
}

/** Those that are under way, by ids that are known before the tasks are sent. */
class Calls {
  readonly #queue: Increments
  readonly #waiting = new Map<string, (result: number) => void>()
  #started = 0

  constructor(queue: Increments) {
    this.#queue = queue
  }

  async start(n: number): Promise<number> {
    this.#started += 1
    const jobId = `call-${this.#started}`
    const result = new Promise<number>((resolve) => this.#waiting.set(jobId, resolve))
    await this.#queue.add('increment', { n }, { jobId })
    return await result
  }

  ids(): string[] {
    return Array.from(this.#waiting.keys())
  }

  settle(id: string, result: number): void {
    this.#waiting.get(id)?.(result)
    this.#waiting.delete(id)
  }

  /** Settles it if it is done. */
  async look(id: string): Promise<void> {
    const job = await this.#queue.getJob(id)
    if (job?.finishedOn !== undefined) this.settle(id, job.returnvalue)
  }
}

async function newQueue(url: string): Promise<Increments> {
  const { connection, factory } = backendOf(url)
  const queue = new Queue(queueName, { connection, defaultJobOptions: kept(url) }, factory) as unknown as Increments
  // Each waitUntilFinished listens to it.
  queue.setMaxListeners(0)
  queue.on('error', () => undefined)
  await queue.waitUntilReady()
  return queue
}

/** As BullMQ's documentation has it. In PostgreSQL by age only, where counting can deadlock and make a task fail. */
function kept(url: string): JobsOptions {
  const completed = isRedis(url) ? { age: 3600, count: 1000 } : { age: 3600 }
  return { removeOnComplete: completed, removeOnFail: { age: 24 * 3600 } }
}

async function migrate(url: string): Promise<void> {
  const pool = new pg.Pool({ connectionString: url })
  await runMigrations(pool, schema)
  await pool.end()
}
