import { runApart } from '../arena.js'
import type { BenchOptions } from '../arguments.js'
import { type Measure, meets, microseconds, nanoseconds, type Row, summarize, throughput } from '../report.js'

interface Plan {
  readonly gate: string
  /** Only of the row that is the gate itself; the others stand beside it. */
  readonly goal?: string
  readonly rival: string
  /** After the gate's name and a slash, the name of the duel in duels/sync.ts. */
  readonly duel: string
  readonly oneCore?: boolean
  readonly measure?: Measure
  readonly limit?: string
  readonly note?: string
}

const waiting: Measure = {
  unit: 'µs on the clock (p99 of the waits / the rival)',
  wallUnit: 'µs (p99 of the waits / the rival)',
  of: (cost) => cost,
}

const itself = 'the rival itself'
const bareAwait = 'one await of a promise, see beside'
const navigator =
  'in a process of its own, since it replaces self, Worker and console methods; a global navigator is defined for it where Node has none'
const fewer = (times: number) => `the slower rival does ${times} times fewer operations in a batch`

const plans: readonly Plan[] = [
  {
    gate: 'mutex-uncontended',
    goal: '<= 1.6',
    rival: 'a bare compareExchange and store',
    duel: 'bare',
    limit: itself,
    note: 'acquireSync and guard.release()',
  },
  {
    gate: 'mutex-uncontended',
    rival: 'python3 threading.Lock',
    duel: 'python',
    note: '`with lock: pass` in a for loop, timed by time.process_time in Python; one run of Python in each round',
  },
  {
    gate: 'mutex-uncontended',
    rival: 'async-mutex (import)',
    duel: 'async-mutex',
    note: `it has no blocking form: await acquire() and release(); ${fewer(10)}`,
  },
  {
    gate: 'mutex-uncontended',
    rival: 'async-mutex (require)',
    duel: 'async-mutex-require',
    note: `it has no blocking form: await acquire() and release(); ${fewer(10)}`,
  },
  {
    gate: 'mutex-uncontended',
    rival: 'multithreading',
    duel: 'multithreading',
    note: `blockingLock() and dispose(); ${fewer(10)}; ${navigator}`,
  },
  {
    gate: 'mutex-exclusive',
    goal: '<= 1.4',
    rival: 'a bare compareExchange and store',
    duel: 'bare',
    limit: itself,
    note: 'runExclusiveSync(fn), beside the pair around a call of the same fn, which counts up a number',
  },
  {
    gate: 'mutex-async',
    goal: '<= 2',
    rival: 'await Promise.resolve(x)',
    duel: 'new-promise',
    limit: itself,
    note: '(await acquire()).release(); x is an object, so each await makes a new, resolved promise',
  },
  {
    gate: 'mutex-async',
    rival: 'await of a kept promise',
    duel: 'kept-promise',
    note: 'one promise, resolved long ago, awaited again and again: nothing is allocated for it',
  },
  { gate: 'mutex-async', rival: 'async-mutex (import)', duel: 'async-mutex', note: fewer(10) },
  { gate: 'mutex-async', rival: 'async-mutex (require)', duel: 'async-mutex-require', note: fewer(2) },
  {
    gate: 'mutex-async',
    rival: 'multithreading',
    duel: 'multithreading',
    note: `lock() and dispose(); ${fewer(5)}; ${navigator}`,
  },
  {
    gate: 'mutex-contended',
    goal: '>= 50',
    rival: 'multithreading',
    duel: 'multithreading',
    measure: throughput,
    limit: 'Atomics.add by two workers, see beside',
    note: `two workers, one lock, both block, one count under it, which is checked; ${fewer(50)}; ${navigator}`,
  },
  {
    gate: 'mutex-contended',
    rival: 'multithreading, one core',
    duel: 'multithreading',
    oneCore: true,
    measure: throughput,
    note: `the same with both workers on one core (taskset): they meet only when one is interrupted; ${fewer(50)}`,
  },
  {
    gate: 'mutex-contended',
    rival: 'a bare three-state lock',
    duel: 'bare',
    measure: throughput,
    note: 'the least that a blocking lock can be: compareExchange, and exchange to release; no owner, no guard',
  },
  {
    gate: 'mutex-contended',
    rival: 'Atomics.add',
    duel: 'atomics',
    measure: throughput,
    limit: itself,
    note: 'two workers count up one word, without a lock',
  },
  {
    gate: 'rwlock-read',
    goal: '<= 1.8',
    rival: 'a bare compareExchange and sub',
    duel: 'bare',
    limit: itself,
    note: 'acquireReadSync and guard.release(), nobody writes',
  },
  {
    gate: 'semaphore-async',
    goal: '<= 1',
    rival: 'async-sema',
    duel: 'async-sema',
    measure: nanoseconds,
    limit: bareAwait,
    note: 'await acquire and release of one permit of four, nobody waits',
  },
  { gate: 'semaphore-async', rival: 'await Promise.resolve(x)', duel: 'new-promise', limit: itself },
  {
    gate: 'handoff',
    goal: '<= 1.3',
    rival: 'bare Atomics.wait and notify',
    duel: 'bare',
    measure: microseconds,
    limit: itself,
    note: 'round trips between the main thread and a worker, both block; both sides use the same two threads',
  },
  {
    gate: 'handoff',
    rival: 'bare Atomics.wait and notify, one core',
    duel: 'bare',
    oneCore: true,
    measure: microseconds,
    limit: itself,
    note: 'the same with both threads on one core (taskset), where a round trip is cheapest and our part of it largest',
  },
  {
    gate: 'handoff-async',
    goal: '<= 1.5',
    rival: 'bare Atomics.waitAsync and notify',
    duel: 'bare',
    measure: microseconds,
    limit: itself,
    note: 'the main thread awaits, the worker blocks; a timer keeps the process alive, as the bare one needs it',
  },
  {
    gate: 'handoff-async',
    rival: 'bare Atomics.waitAsync and notify, one core',
    duel: 'bare',
    oneCore: true,
    measure: microseconds,
    limit: itself,
    note: 'the same with both threads on one core (taskset), where a round trip is cheapest and our part of it largest',
  },
  {
    gate: 'writer-wait',
    goal: '<= 50',
    rival: 'one hold of a reader',
    duel: 'hold',
    measure: waiting,
    limit: 'what is left of the holds under way',
    note: 'a writer that blocks, two readers that hold the lock for 100 µs each, again and again',
  },
  {
    gate: 'writer-wait',
    rival: 'multithreading',
    duel: 'multithreading',
    measure: waiting,
    note: `how long its writer waits (write()) for the same readers, which stop after 500 ms; ${navigator}`,
  },
]

/** What the locks cost: beside the bare atomics under them, and beside the locks of others. */
export async function syncSuite({ rounds, calls }: BenchOptions): Promise<Row[]> {
  const module = new URL('../duels/sync.js', import.meta.url)
  const rows: Row[] = []
  for (const { gate, goal, rival, duel, oneCore, measure = nanoseconds, limit, note } of plans) {
    const verdict = await runApart(module, `${gate}/${duel}`, { rounds, calls }, { oneCore })
    const about = { suite: 'sync', rival }
    if ('skipped' in verdict) {
      rows.push(
        goal === undefined ? { beside: gate, ...about, ...verdict } : { gate, goal, ok: false, ...about, ...verdict },
      )
      continue
    }
    const notes = [note, verdict.note].filter((text) => text !== undefined).join('; ')
    const measured = summarize(
      verdict.duel,
      {
        ...about,
        rivalVersion: verdict.rivalVersion,
        ...(limit === undefined ? {} : { limit }),
        ...(notes === '' ? {} : { note: notes }),
      },
      measure,
    )
    rows.push(
      goal === undefined ? { beside: gate, ...measured } : { gate, goal, ok: meets(measured.value, goal), ...measured },
    )
  }
  return rows
}
