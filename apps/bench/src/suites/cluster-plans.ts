import type { Plan } from '../plans.js'
import type { Measure } from '../report.js'

const perTask: Measure = { unit: 'µs per task on the clock', wallUnit: 'µs per task', of: (cost) => cost }
const losses: Measure = { unit: 'completions lost', wallUnit: 'µs per task', of: (count) => count }

/** Servers start, and slow machines take their time. */
const seconds = (rounds: number) => 60 + 12 * rounds

const processes =
  'the task n + 1 from one caller to one other process, over one server of this machine: our node runs it in a thread of a pool, the rival in its own loop, each 32 at a time'
const redis = 'Redis, appendfsync everysec'
const postgres = 'embedded PostgreSQL, which waits for the disk; 4 connections for tasks on both sides'
const events = 'Queue.add, QueueEvents and waitUntilFinished'
const polling = 'it looks every 20 ms for those that are under way'
const relay = 'its worker publishes each result by the Relay'
const lossy = 'waitUntilFinished is no rival here, as it loses completions, see cluster-lost'
const overRedis = { gate: 'cluster-overhead-redis', measure: perTask, seconds } as const
const overPostgres = { gate: 'cluster-overhead-postgres', measure: perTask, seconds } as const
const lost = { gate: 'cluster-lost', measure: losses, value: 'own', seconds: () => 400 } as const
const flood = `64 in flight; one that has no answer after 5 s makes room for the next; ours first, then the rival with ${events}`

/** The rows of the suite, gate by gate. */
export const plans: readonly Plan[] = [
  {
    ...overRedis,
    goal: '<= 1.2',
    rival: 'bullmq',
    duel: 'events',
    note: `64 in flight; ${processes}; ${redis}; the rival by ${events}, removeOnComplete by age and count`,
  },
  {
    ...overRedis,
    rival: 'bullmq, one task at a time',
    duel: 'alone',
    note: `one round trip after the other; ${redis}; the rival by ${events}`,
  },

  {
    ...overPostgres,
    goal: '<= 1.2',
    fastest: true,
    rival: 'bullmq, which polls',
    duel: 'polling',
    note: `64 in flight; ${processes}; ${postgres}; ${polling}; ${lossy}`,
  },
  {
    ...overPostgres,
    goal: '<= 1.2',
    fastest: true,
    rival: 'bullmq with its Relay',
    duel: 'relay',
    note: `64 in flight; ${processes}; ${postgres}; ${relay}; ${lossy}`,
  },
  {
    ...overPostgres,
    rival: 'bullmq with its Relay, one task at a time',
    duel: 'alone',
    note: `one round trip after the other; ${postgres}; ${relay}`,
  },

  {
    ...lost,
    goal: '<= 0',
    rival: 'bullmq with QueueEvents',
    duel: 'redis',
    note: `the value is ours; ${redis}; ${flood}`,
  },
  {
    ...lost,
    rival: 'bullmq with QueueEvents, PostgreSQL',
    duel: 'postgres',
    note: `the value is ours; ${postgres}; as many tasks as fit into 60 s, the rival's into 20 s; ${flood}`,
  },
]
