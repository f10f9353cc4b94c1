import { type Cluster, type ClusterDelivery, ClusterQueue, type LocalServer } from '@heddle/cluster-pool'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { connect, engines, startServer } from './support/servers.js'

const capacity = 6
const maxDeliveries = 2

type Step =
  | { readonly does: 'put' | 'tryGet' | 'receive' | 'clear' | 'retry'; readonly at: number }
  | { readonly does: 'putMany' | 'getMany' | 'ack' | 'putBack'; readonly at: number; readonly count: number }

interface Entry {
  readonly item: number
  attempts: number
}

/** What a queue is: a list, what is held of it, and what was delivered too often. */
class Model {
  waiting: Entry[] = []
  held: Entry[] = []
  dead: Entry[] = []

  put(items: readonly number[]): number {
    const room = Math.max(0, capacity - this.waiting.length - this.held.length)
    const put = items.slice(0, room)
    this.waiting.push(...put.map((item) => ({ item, attempts: 0 })))
    return put.length
  }

  claim(most: number): Entry[] {
    const claimed: Entry[] = []
    while (claimed.length < most) {
      const [next] = this.waiting.splice(0, 1)
      if (!next) break
      if (next.attempts >= maxDeliveries) this.dead.push(next)
      else {
        next.attempts += 1
        claimed.push(next)
      }
    }
    return claimed
  }

  back(entries: readonly Entry[]): void {
    this.waiting = [...this.waiting, ...entries].toSorted((a, b) => a.item - b.item)
  }
}

const at = fc.integer({ min: 0, max: 1 })
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ does: fc.constantFrom('put', 'put', 'tryGet', 'receive', 'receive', 'receive', 'clear', 'retry'), at }),
  fc.record({
    does: fc.constantFrom('putMany', 'getMany', 'ack', 'putBack', 'putBack'),
    at,
    count: fc.integer({ min: 1, max: 4 }),
  }),
) as fc.Arbitrary<Step>

describe.each(engines)('any calls of two programs, on %s', (engine) => {
  let server: LocalServer
  let clusters: Cluster[]
  let names = 0

  beforeAll(async () => {
    server = await startServer(engine)
    const cluster = await connect(server)
    clusters = [cluster, await connect(server, { prefix: cluster.prefix })]
  }, 60_000)
  afterAll(async () => {
    await Promise.all(clusters.map((cluster) => cluster.close()))
    await server.stop()
  })

  async function follow(steps: readonly Step[]): Promise<void> {
    names += 1
    const open = (cluster: Cluster) => new ClusterQueue<number>(cluster, `model-${names}`, { capacity, maxDeliveries })
    const queues = clusters.map(open)
    const first = open(clusters[0] as Cluster)
    const model = new Model()
    let held: { readonly entry: Entry; readonly delivery: ClusterDelivery<number> }[] = []
    let last = 0
    const make = (count: number) => Array.from({ length: count }, () => ++last)

    /** What the queue does, and what the model does. */
    async function take(each: Step, queue: ClusterQueue<number>): Promise<[unknown, unknown]> {
      switch (each.does) {
        case 'put': {
          const items = make(1)
          return [await queue.tryPut(last), model.put(items) === 1]
        }
        case 'putMany': {
          const items = make(each.count)
          const rest = items.slice(model.put(items))
          const put = queue.putMany(items, { timeout: 0 })
          return [await put.then(() => []).catch((error) => error.item), rest]
        }
        case 'tryGet': {
          const [entry] = model.claim(1)
          return [await queue.tryGet(), entry && { item: entry.item }]
        }
        case 'getMany': {
          const items = model.claim(each.count).map(({ item }) => item)
          return [await queue.getMany(each.count, { timeout: 0 }).catch(() => []), items]
        }
        case 'receive': {
          const [entry] = model.claim(1)
          const delivery = await queue.receive({ timeout: 0 }).catch(() => undefined)
          if (entry && delivery) {
            model.held.push(entry)
            held.push({ entry, delivery })
          }
          return [delivery && [delivery.item, delivery.attempt], entry && [entry.item, entry.attempts]]
        }
        case 'clear': {
          const { length } = model.waiting.splice(0)
          return [await queue.clear(), length]
        }
        case 'retry': {
          const dead = model.dead.splice(0)
          model.back(dead.map(({ item }) => ({ item, attempts: 0 })))
          return [await queue.retryDeadLetters(), dead.length]
        }
        default: {
          const chosen = held[each.count % Math.max(1, held.length)]
          if (!chosen) return [undefined, undefined]
          held = held.filter((one) => one !== chosen)
          model.held = model.held.filter((entry) => entry !== chosen.entry)
          if (each.does === 'putBack') model.back([chosen.entry])
          return [await chosen.delivery[each.does](), undefined]
        }
      }
    }

    for (const each of steps) {
      const [does, should] = await take(each, queues[each.at] as ClusterQueue<number>)
      expect(does).toEqual(should)
      const { waiting, claimed, deadLetters } = await first.getStats()
      expect([waiting, claimed, deadLetters]).toEqual([model.waiting.length, model.held.length, model.dead.length])
    }
    await first.destroy()
  }

  test('a queue does what a list would do', async () => {
    await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40, size: 'max' }), follow), {
      numRuns: 120,
      endOnFailure: true,
    })
  }, 60_000)
})
