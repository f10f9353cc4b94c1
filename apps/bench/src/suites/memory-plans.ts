import type { Plan } from '../plans.js'
import { microseconds, milliseconds, throughput } from '../report.js'

const itself = 'the rival itself'
const ownClocks = 'its time is what Python itself tells, one run of Python in each round'
const bothProcesses = 'the processor time of both processes counts'
const sameProcesses = 'both sides use the same two processes'
const mutex = { gate: 'process-mutex-uncontended' } as const
const handoff = { gate: 'process-handoff', measure: microseconds } as const
const count = { gate: 'value-lock', measure: throughput } as const
const small = '1,000 keys, every other value a number, the others short strings'
const share = { gate: 'array-share', measure: milliseconds, value: 'difference' } as const

/** The rows of the suite, gate by gate. */
export const plans: readonly Plan[] = [
  {
    gate: 'process-atomic',
    goal: '<= 1.2',
    rival: 'Atomics.add on a SharedArrayBuffer',
    duel: 'thread',
    limit: itself,
    note: 'Atomics.add on a word of a segment, one process',
  },

  {
    ...mutex,
    goal: '<= 1.3',
    rival: 'the same Mutex in memory of threads',
    duel: 'thread',
    limit: 'a bare compareExchange and store, see beside',
    note: 'acquireSync and guard.release(); a process for each side, so that each knows one kind of memory only',
  },
  {
    ...mutex,
    rival: 'the same Mutex in memory of threads, same process',
    duel: 'together',
    note: 'one compiled code serves both memories, which costs both sides',
  },
  {
    ...mutex,
    rival: 'a bare compareExchange and store',
    duel: 'bare',
    limit: itself,
    note: 'on a word of the same segment',
  },

  {
    ...handoff,
    goal: '<= 1.5',
    rival: 'bare futex calls through koffi',
    duel: 'futex',
    limit: itself,
    note: `set and waitSync of two AutoResetEvents; ${sameProcesses}, each blocks; ${bothProcesses}`,
  },
  {
    ...handoff,
    rival: 'bare futex calls through koffi, one core',
    duel: 'one-core',
    oneCore: true,
    limit: itself,
    note: 'the same with both processes on one core (taskset), where a round trip is cheapest and our part of it largest',
  },
  {
    gate: 'process-handoff-vs-send',
    goal: '>= 4',
    rival: 'process.send',
    duel: 'send',
    measure: throughput,
    note: `round trips per second: ours blocks, the rival sends a number there and back; ${sameProcesses}; ${bothProcesses}`,
  },
  {
    gate: 'process-handoff-async',
    goal: '<= 2',
    rival: 'process.send',
    duel: 'send',
    measure: microseconds,
    note: `set and await wait() on two event loops; the rival sends a number there and back; ${sameProcesses}; ${bothProcesses}`,
  },

  {
    ...count,
    goal: '>= 10',
    rival: 'python3 multiprocessing.Value',
    duel: 'python',
    limit: 'Atomics.add by two processes, see beside',
    note: `two processes at once, value += 1 under the lock of the value, the sum is checked; ours 4 times as many; ${ownClocks}`,
  },
  {
    ...count,
    rival: 'Atomics.add',
    duel: 'atomics',
    limit: itself,
    note: 'two processes count up one word of the segment, without a lock',
  },

  {
    gate: 'dict-get',
    goal: '>= 100',
    rival: 'python3 multiprocessing.Manager().dict',
    duel: 'python',
    measure: throughput,
    note: `${small}; ours 100 times as many; ${ownClocks}, that of the manager's process included`,
  },
  {
    gate: 'dict-get',
    rival: 'a plain Map',
    duel: 'plain',
    limit: itself,
    measure: throughput,
    note: `${small}; nobody shares it and nothing is copied`,
  },
  {
    gate: 'dict-set',
    goal: '>= 50',
    rival: 'python3 multiprocessing.Manager().dict',
    duel: 'python',
    measure: throughput,
    note: `${small}; all keys are there before; ours 100 times as many; ${ownClocks}, that of the manager's process included`,
  },
  {
    gate: 'dict-get-thread',
    goal: '<= 1',
    rival: 'sharedmap',
    duel: 'sharedmap',
    note: '1,000 keys, short strings as values, one thread; it has room for 2,000 keys and values of 16 characters',
  },

  {
    ...share,
    goal: '<= 1',
    rival: 'an array of one byte',
    duel: 'one-byte',
    limit: itself,
    note: 'a SharedArray of 100 MB, by its handle, to a process that answers with its last element, less one of 1 byte; both segments are open there',
  },
  {
    ...share,
    rival: 'an array of one byte, opened each time',
    duel: 'one-byte-opened',
    note: 'the other process opens the segment for each call, and closes it',
  },
  {
    ...share,
    rival: 'a copy by process.send',
    duel: 'copy',
    note: "a Uint8Array of 100 MB, serialization: 'advanced'",
  },

  {
    gate: 'cache-get',
    goal: '<= 10',
    rival: 'an uncontended Mutex around Map.get',
    duel: 'locked-map',
    note: '1,000 keys, all of them there, numbers as values, one thread; each get makes its entry the latest',
  },
]
