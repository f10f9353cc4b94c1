import type { Plan } from '../plans.js'
import { microseconds, throughput } from '../report.js'

const itself = 'the rival itself'
const checked = 'each message is checked where it comes, in its turn'
const twoThreads = `one worker thread blocks in putSync, another one in getSync; both sides use the same two threads; ${checked}`
const heard = "the rival's event 'message' has them all; it has no bound"
const ownClocks = 'its time is what Python itself tells, one run of Python in each round; ours 10 times as many'
const bothProcesses = 'the processor time of both processes counts'
const ofProcesses = `the queue is in a segment, the main threads of two processes block; ${checked}; ${bothProcesses}`
const bytes = '64 bytes in a Uint8Array'
const object = '{ id, op, value }'
const threadBytes = { gate: 'queue-thread-bytes', measure: microseconds } as const
const threadObject = { gate: 'queue-thread-object', measure: microseconds } as const
const number = 'a number there and back through a Pipe in a segment; the main threads of two processes block'
const roundTrip = { gate: 'pipe-roundtrip', measure: microseconds } as const
const send = { gate: 'queue-vs-send', measure: throughput } as const

/** The rows of the suite, gate by gate. */
export const plans: readonly Plan[] = [
  {
    ...threadBytes,
    goal: '<= 0.2',
    rival: 'postMessage',
    duel: 'port',
    limit: 'a bare ring of 64-byte slots, see beside',
    note: `${bytes}; ${twoThreads}; ${heard}`,
  },
  {
    ...threadBytes,
    rival: 'a bare ring of 64-byte slots',
    duel: 'ring',
    limit: itself,
    note: `${bytes}; the rival has one who puts and one who takes, sleeps by Atomics.wait and survives no death; both sides use the same two threads`,
  },

  {
    ...threadObject,
    goal: '<= 1',
    rival: 'postMessage',
    duel: 'port',
    note: `${object}; ${twoThreads}; ${heard}`,
  },
  {
    ...threadObject,
    rival: 'python3 queue.Queue',
    duel: 'python',
    note: `${object}, a dict there; the rival copies nothing, and its threads never run at once; ${ownClocks}`,
  },

  {
    gate: 'queue-vs-multithreading',
    goal: '>= 10',
    rival: 'multithreading',
    duel: 'blocking',
    measure: throughput,
    note: `${object}; its channel with blockingSend and blockingRecv, 256 places on both sides; ours 20 times as many; ${twoThreads}; a global navigator is defined for it where Node has none`,
  },

  {
    gate: 'queue-process-bytes',
    goal: '>= 10',
    rival: 'python3 multiprocessing.Queue',
    duel: 'python',
    measure: throughput,
    note: `${bytes}, one by one; ${ofProcesses}; ${ownClocks}`,
  },
  {
    gate: 'queue-process-many',
    goal: '>= 20',
    rival: 'python3 multiprocessing.Queue',
    duel: 'python',
    measure: throughput,
    note: `${bytes}; ours by putManySync and getManySync, up to 64 at a time, the rival, which has none, one by one; ${ofProcesses}; ${ownClocks}`,
  },
  {
    gate: 'queue-process-object',
    goal: '>= 5',
    rival: 'python3 multiprocessing.Queue',
    duel: 'python',
    measure: throughput,
    note: `${object}, a dict there, one by one; ${ofProcesses}; ${ownClocks}`,
  },

  {
    ...send,
    goal: '>= 10',
    rival: 'process.send',
    duel: 'bytes',
    note: `${bytes}, serialization: 'advanced'; ours 10 times as many; ${ofProcesses}; both sides use the same two`,
  },
  {
    ...send,
    rival: 'process.send of a string',
    duel: 'text',
    note: `64 characters, serialization: 'json'; ours 10 times as many; ${ofProcesses}; both sides use the same two`,
  },

  {
    ...roundTrip,
    goal: '<= 2',
    rival: 'bare futex calls through koffi',
    duel: 'futex',
    limit: itself,
    note: `${number}; the rival sends nothing but the signals; both sides use the same two; ${bothProcesses}`,
  },
  {
    ...roundTrip,
    rival: 'bare futex calls through koffi, one core',
    duel: 'one-core',
    oneCore: true,
    limit: itself,
    note: 'the same with both processes on one core (taskset), where a round trip is cheapest and our part of it largest',
  },
  {
    gate: 'pipe-vs-python',
    goal: '>= 2.5',
    rival: 'python3 multiprocessing.Pipe',
    duel: 'python',
    measure: throughput,
    note: `round trips per second: ${number}; ${bothProcesses}; its time is what Python itself tells, one run of Python in each batch`,
  },
  {
    gate: 'pipe-vs-python',
    rival: 'python3 multiprocessing.Pipe, one core',
    duel: 'one-core',
    oneCore: true,
    measure: throughput,
    note: 'the same with all processes on one core (taskset): on two, where each runs is chance, and not the same for both sides',
  },
]
