import type { Plan } from '../plans.js'
import { type Measure, microseconds, nanoseconds, throughput } from '../report.js'

const permits: Measure = {
  unit: 'permits within one window of 100 ms',
  wallUnit: 'permits per second',
  of: (permits) => permits,
}

const lateness: Measure = {
  unit: "ms on the clock (p99.9 of a 1 ms timer's delays)",
  wallUnit: 'ms',
  of: (milliseconds) => milliseconds,
}

const itself = 'the rival itself'
const fewer = (times: number) => `the slower rival does ${times} times fewer operations in a batch`
const ownClocks = 'timed by its own clocks, one run of Python in each round'

const backlog = { gate: 'tasks-backlog', measure: microseconds, limit: 'a bare list of promises, see beside' }
const contest = { ...backlog, goal: '<= 0.7', fastest: true } as const
const map = { gate: 'tasks-map', measure: nanoseconds, limit: '10 bare lanes over an index, see beside' }
const tried = { gate: 'limiter-try', goal: '>= 1.1', fastest: true, measure: throughput } as const
const inWindow = { gate: 'limiter-window', measure: permits }
const smallerBacklogs = 'with 200,000 tasks on both sides'

const windowPlans: Plan[] = [1000, 20_000].flatMap((perSecond) => {
  const rate = `${perSecond.toLocaleString('en')}/s`
  const more = perSecond > 1000 ? '; it asks for fewer permits, since it gives one per ms after the first window' : ''
  return [
    {
      ...inWindow,
      goal: '<= 1',
      rival: `the allowance, ${rate}`,
      duel: `allowance-${perSecond}`,
      value: 'worst',
      limit: itself,
      note: 'strict, a backlog of one second, callers look at the clock after `await acquire()`; of all rounds the worst',
    },
    { ...inWindow, rival: `limiter, ${rate}`, duel: `limiter-${perSecond}`, note: 'await removeTokens(1)' },
    {
      ...inWindow,
      rival: `p-throttle, ${rate}`,
      duel: `p-throttle-${perSecond}`,
      note: `strict: true, await throttled()${more}`,
    },
    {
      ...inWindow,
      rival: `p-queue, ${rate}`,
      duel: `p-queue-${perSecond}`,
      note: 'strict: true, await add(…)',
    },
  ]
})

/** The rows of the suite, gate by gate. */
export const plans: readonly Plan[] = [
  { ...contest, rival: 'p-limit', duel: 'p-limit' },
  { ...contest, rival: 'p-queue', duel: 'p-queue' },
  { ...contest, rival: 'fastq', duel: 'fastq', note: 'fastq.promise' },
  {
    ...contest,
    rival: 'async-sema',
    duel: 'async-sema',
    note: 'await acquire(), the task, release(); its queue has room for all of them from the start',
  },
  { ...contest, rival: 'async', duel: 'async', note: 'queue' },
  { ...backlog, rival: 'cockatiel', duel: 'cockatiel', note: `bulkhead; ${fewer(20)}` },
  { ...backlog, rival: 'bottleneck', duel: 'bottleneck', note: `maxConcurrent; ${fewer(500)}` },
  {
    ...backlog,
    rival: 'a bare list',
    duel: 'bare',
    limit: itself,
    note: 'a promise and a node for each task; no signal, no context, no turns of the event loop, no close',
  },
  { ...backlog, rival: 'Promise.all', duel: 'unlimited', limit: itself, note: 'the same tasks, no limit at all' },
  {
    ...backlog,
    rival: 'python3 asyncio.Semaphore',
    duel: 'python',
    note: `create_task for each, Semaphore(10); ${fewer(5)}; ${ownClocks}`,
  },

  { ...map, goal: '<= 1', rival: 'async', duel: 'async', note: 'map(…).toArray() and mapLimit' },
  { ...map, rival: 'async, ours by for await', duel: 'for-await', note: 'for await over map(…), and mapLimit' },
  { ...map, rival: 'p-map', duel: 'p-map' },
  { ...map, rival: 'p-limit', duel: 'p-limit', note: 'limit.map' },
  { ...map, rival: '10 bare lanes', duel: 'lanes', limit: itself, note: 'ten loops that await the task, one index' },

  {
    gate: 'queue-await',
    goal: '<= 1.3',
    rival: 'a bare ring',
    duel: 'bare',
    measure: nanoseconds,
    limit: itself,
    note: '1,000,000 items, one producer that awaits each put, one consumer that awaits each get, capacity 1,000',
  },
  {
    gate: 'queue-await',
    rival: 'PassThrough',
    duel: 'pass-through',
    measure: nanoseconds,
    note: 'in object mode with 500 places on each half; it awaits only when it must',
  },
  {
    gate: 'queue-python',
    goal: '>= 4',
    rival: 'python3 asyncio.Queue',
    duel: 'python',
    measure: throughput,
    limit: 'a bare ring, see queue-await',
    note: `300,000 items, asyncio.Queue(1000); ${ownClocks}`,
  },
  {
    gate: 'queue-try',
    goal: '<= 1.3',
    rival: 'a bare ring',
    duel: 'bare',
    measure: nanoseconds,
    limit: itself,
    note: 'tryPut and tryGet, a hundred of each in turn; one item is one operation',
  },

  { ...tried, rival: 'limiter', duel: 'limiter', note: 'tryRemoveTokens(1)' },
  {
    ...tried,
    rival: 'rate-limiter-flexible',
    duel: 'rate-limiter-flexible',
    note: 'it has no form that does not wait: await consume(key), in memory',
  },
  { ...tried, rival: 'p-throttle', duel: 'p-throttle', note: 'it has no form that does not wait: await throttled()' },
  {
    gate: 'limiter-try',
    measure: throughput,
    rival: 'bottleneck',
    duel: 'bottleneck',
    note: `it has no form that does not wait: await schedule(…), with a reservoir; ${fewer(500)}`,
  },
  ...windowPlans,

  {
    gate: 'batch-item',
    goal: '>= 1',
    rival: 'dataloader',
    duel: 'dataloader',
    measure: throughput,
    limit: 'one promise for each item',
    note: 'add and load, waves of 100 items, each as large as a batch; cache: false, maxBatchSize: 100',
  },
  {
    gate: 'batch-ack',
    goal: '>= 5',
    rival: 'dataloader',
    duel: 'dataloader',
    measure: throughput,
    limit: 'one promise for each batch',
    note: '100,000 items at once, batches of 100, until the last is acknowledged: addItem, and load',
  },
  {
    gate: 'abort-crowd',
    goal: '<= 3',
    rival: 'a plain Set of waiters',
    duel: 'bare',
    measure: nanoseconds,
    limit: itself,
    note: '100,000 wait on one signal, which is aborted: run(task, [], { signal }) while all slots are taken, and a Set behind one listener; each caller catches',
  },
  {
    gate: 'abort-crowd',
    rival: 'p-queue',
    duel: 'p-queue',
    measure: nanoseconds,
    note: `${fewer(50)}, and what one costs it grows with their number`,
  },
  {
    gate: 'timer-gap',
    goal: '<= 10',
    rival: 'an idle control',
    duel: 'idle',
    measure: lateness,
    value: 'difference',
    limit: itself,
    note: 'a 1 ms timer while 1,000,000 tasks that were handed in before are worked off, less the same with nothing to do',
  },
  ...['p-limit', 'p-queue', 'fastq'].map(
    (rival): Plan => ({ gate: 'timer-gap', rival, duel: rival, measure: lateness, note: smallerBacklogs }),
  ),
]
