import type { Plan } from '../plans.js'
import { type Measure, microseconds, milliseconds, throughput } from '../report.js'

const speed: Measure = {
  unit: 'items per second on the clock',
  wallUnit: 'items per second',
  of: (microseconds) => 1e6 / microseconds,
}

const idleness: Measure = {
  unit: 'µs CPU in 10 s',
  wallUnit: 'µs',
  of: (microseconds) => microseconds,
}

const stays: Measure = {
  unit: 'programs of 3 that do not end by themselves within 5 s',
  wallUnit: 'µs from the start of one to its end',
  of: (value) => value,
}

const itself = 'the rival itself'
const sameThreads = 'one worker, useAtomics: false, as in the pool'
const sameProcesses = "one worker, serialization: 'advanced' and env passed, as in the pool"
const ownClocks = 'timed by its own clocks, its processes included, one run of Python in each round'
const childTime = 'the time of the child processes is counted'

const loneThread = { gate: 'pool-latency-threads', measure: microseconds, limit: 'a bare worker thread, see beside' }
const loneProcess = { gate: 'pool-latency-processes', measure: microseconds, limit: 'a bare child process, see beside' }
const burst = '10,000 trivial tasks submitted one by one with run() and awaited together, 2 workers'
const best = { gate: 'submit-burst-best', goal: '>= 5', fastest: true, measure: throughput } as const
const idempotent = 'our task is defined idempotent: only such tasks share an envelope between processes'
const burstInProcesses = { gate: 'submit-burst-processes', measure: throughput }
const mapThreads = { gate: 'map-number-threads', measure: throughput, limit: 'a plain array.map(fn), see beside' }
const mapProcesses = { gate: 'map-number-processes', measure: throughput }
const million = "map(task, items, { chunkSize: 'auto' }).toArray() over 1,000,000 numbers, 2 workers"
const transferred = {
  gate: 'big-argument-transferred',
  measure: milliseconds,
  value: 'difference',
  flags: ['--single-threaded-gc'],
} as const
const collector =
  'V8 collects with one thread (--single-threaded-gc), since the helpers of its collector scatter the times'
const cancel = { gate: 'cancel', measure: milliseconds, value: 'own' } as const
const idle = { gate: 'idle-cost', measure: idleness }
const sideBySide =
  'programs side by side, after 4 s of rest; the memory reducer of V8, which runs once after a start, is off in all of them'
const exit = { gate: 'idle-exit', goal: '<= 0', measure: stays, value: 'own' } as const
const notClosed = 'a program with an idle pool of 2 workers that nobody closes'

/** The rows of the suite, gate by gate. */
export const plans: readonly Plan[] = [
  { ...loneThread, goal: '<= 1.5', rival: 'tinypool', duel: 'tinypool', note: sameThreads },
  { ...loneThread, rival: 'piscina', duel: 'piscina', note: "one worker, atomics: 'disabled'" },
  { ...loneThread, rival: 'workerpool', duel: 'workerpool', note: "one worker, workerType: 'thread'" },
  { ...loneThread, rival: 'poolifier', duel: 'poolifier', note: 'FixedThreadPool(1)' },
  {
    ...loneThread,
    rival: 'a bare worker thread',
    duel: 'bare',
    limit: itself,
    note: 'postMessage there and back',
  },

  {
    ...loneProcess,
    goal: '<= 1.5',
    rival: 'tinypool',
    duel: 'tinypool',
    note: `${sameProcesses}; ${childTime}`,
  },
  { ...loneProcess, rival: 'workerpool', duel: 'workerpool', note: `one worker, workerType: 'process'; ${childTime}` },
  {
    ...loneProcess,
    rival: 'a bare child process',
    duel: 'bare',
    limit: itself,
    note: `send there and back, serialization: 'advanced'; ${childTime}`,
  },

  {
    gate: 'submit-burst-threads',
    goal: '>= 20',
    rival: 'tinypool',
    duel: 'tinypool',
    measure: throughput,
    note: `${burst}; useAtomics: false`,
  },
  {
    ...burstInProcesses,
    goal: '>= 20',
    rival: 'tinypool',
    duel: 'tinypool',
    note: `${burst}; serialization: 'advanced'; ${idempotent}; ${childTime}`,
  },
  {
    ...burstInProcesses,
    rival: 'workerpool',
    duel: 'workerpool',
    note: `workerType: 'process'; ${childTime}`,
  },
  { ...best, rival: 'piscina', duel: 'piscina', note: `${burst}; atomics: 'disabled'` },
  { ...best, rival: 'workerpool', duel: 'workerpool', note: `${burst}; workerType: 'thread'` },
  { ...best, rival: 'poolifier', duel: 'poolifier', note: `${burst}; FixedThreadPool(2)` },

  {
    ...mapThreads,
    goal: '>= 2',
    rival: 'python3 multiprocessing.Pool.map',
    duel: 'multiprocessing',
    note: `${million}; Pool(2) by fork, the chunks that it chooses; ${ownClocks}`,
  },
  {
    ...mapThreads,
    rival: 'python3 ProcessPoolExecutor.map',
    duel: 'process-executor',
    note: `2 processes by fork, chunksize=5000; ${ownClocks}`,
  },
  {
    ...mapThreads,
    rival: 'python3 ThreadPoolExecutor.map',
    duel: 'thread-executor',
    note: `2 threads; the slower rival does 10,000 items, it has no chunks; ${ownClocks}`,
  },
  { ...mapThreads, rival: 'a plain array.map(fn)', duel: 'plain', limit: itself, note: 'in the main thread' },
  {
    ...mapProcesses,
    goal: '>= 1',
    rival: 'python3 multiprocessing.Pool.map',
    duel: 'multiprocessing',
    note: `${million}; Pool(2) by fork, the chunks that it chooses; ${idempotent}; ${childTime}; ${ownClocks}`,
  },
  {
    ...mapProcesses,
    rival: 'python3 ProcessPoolExecutor.map',
    duel: 'process-executor',
    note: `2 processes by fork, chunksize=5000; ${childTime}; ${ownClocks}`,
  },
  {
    gate: 'map-speedup',
    goal: '>= 0.95',
    rival: 'two bare worker threads',
    duel: 'halves',
    measure: speed,
    limit: itself,
    note: "64 items of some ms of whole numbers: map with chunkSize 'auto' and 2 workers, and two threads with one message for each half",
  },

  {
    gate: 'big-argument',
    goal: '<= 1',
    rival: 'an argument of one byte',
    duel: 'one-byte',
    measure: milliseconds,
    value: 'difference',
    limit: itself,
    note: 'a Float64Array of 100 MB over a SharedArrayBuffer, less a shared array of one byte, through one pool of one worker',
  },
  {
    gate: 'big-argument',
    rival: 'tinypool',
    duel: 'tinypool',
    measure: milliseconds,
    value: 'difference',
    note: 'the same 100 MB on both sides; useAtomics: false',
  },
  {
    ...transferred,
    goal: '<= 2',
    rival: 'a bare worker thread',
    duel: 'bare',
    limit: itself,
    note: `an ArrayBuffer of 100 MB in transfer, through a pool of one worker, less the same with postMessage; ${collector}`,
  },
  {
    ...transferred,
    rival: 'an argument of one byte',
    duel: 'one-byte',
    note: `less a buffer of one byte in transfer, through the same pool: most of that is V8, which collects garbage in the worker when the 100 MB arrive; ${collector}`,
  },
  {
    ...transferred,
    rival: 'tinypool',
    duel: 'tinypool',
    note: `the same 100 MB on both sides, in its transferList; useAtomics: false; ${collector}`,
  },

  {
    ...cancel,
    goal: '<= 100',
    rival: 'tinypool',
    duel: 'stopped',
    note: 'a task that spins for ever is aborted: until its promise has rejected and the word that it counts in stands still; the value is ours',
  },
  {
    ...cancel,
    rival: 'tinypool, until the next result',
    duel: 'next',
    note: 'until a task that is submitted right after the abort, to the same pool of one worker, has its result; the value is ours',
  },

  {
    ...idle,
    goal: '<= 1.1',
    rival: 'a program without a pool',
    duel: 'threads',
    limit: itself,
    note: `2 worker threads that have run tasks; ${sideBySide}`,
  },
  {
    ...idle,
    rival: 'a program without a pool, ours with processes',
    duel: 'processes',
    limit: itself,
    note: `2 worker processes that have run tasks; ${childTime}; ${sideBySide}`,
  },
  { ...idle, rival: 'tinypool', duel: 'tinypool', note: `2 worker threads on both sides; ${sideBySide}` },
  {
    ...exit,
    rival: 'tinypool, threads',
    duel: 'threads',
    note: `${notClosed}; the value is ours`,
  },
  {
    ...exit,
    rival: 'tinypool, processes',
    duel: 'processes',
    note: `${notClosed}; the value is ours`,
  },
]
