import { setTimeout as delay } from 'node:timers/promises'
import { Cluster, ClusterDict, ClusterLock, ClusterNode, ClusterPoolManager } from '@heddle/cluster-pool'
import * as tasks from './tasks.js'

// Without a url it starts a server of this machine: good for a try. A cluster has one: { url: process.env.HEDDLE_URL }.
await using cluster = await Cluster.connect()

// Each machine runs a node with the tasks that it may run; here it is in the same program.
await using node = await ClusterNode.start(cluster, { tasks, concurrency: 2 })

// Any program can ask for them.
await using pool = new ClusterPoolManager(cluster)
const halves = await Promise.all([
  pool.run(tasks.countPrimes, [0, 5_000]),
  pool.run(tasks.countPrimes, [5_000, 10_000], { timeout: 10_000 }),
])
console.log('primes below 10,000:', halves[0] + halves[1])

const lines = ['The warp holds still', 'and the weft goes to and fro']
for await (const words of pool.map(tasks.countWords, lines)) console.log('words:', [...words.keys()].join(' '))
console.log('done on this node:', node.stats().done)

// A lock for all machines. Whoever is held up longer than its lease loses it; its token then is an old one, and is refused.
const ledger = new ClusterDict<string>(cluster, 'ledger')
const lock = new ClusterLock(cluster, 'ledger', { lease: 500 })
const first = await lock.acquire()
await ledger.set('owner', 'first', { fence: first.token })
await first.release()
const second = await lock.acquire()
await ledger.set('owner', 'second', { fence: second.token })
await delay(100)
const late = await ledger.set('owner', 'first again', { fence: first.token })
console.log('late write:', late === undefined ? 'refused' : 'accepted', '- the owner is', await ledger.get('owner'))
await second.release()
