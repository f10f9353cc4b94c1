import { Segment, SharedValue, type SharedValueHandle } from '@heddle/shared-memory'
import { AutoResetEvent, Mutex } from '@heddle/sync-primitives'
import { type Futex, futexOn } from './futex.js'

type SegmentHandle = ReturnType<Segment['toHandle']>
type EventHandle = ReturnType<AutoResetEvent['toHandle']>

/** What another process is to do, as often as it is told: all of it goes there as JSON. */
export type JobData =
  | { readonly job: 'block' | 'await'; readonly question: EventHandle; readonly answer: EventHandle }
  | { readonly job: 'futex'; readonly segment: SegmentHandle; readonly question: number; readonly answer: number }
  | { readonly job: 'echo' }
  | { readonly job: 'lock'; readonly segment?: SegmentHandle }
  | { readonly job: 'count'; readonly value: SharedValueHandle<'int32'> }
  | { readonly job: 'add'; readonly segment: SegmentHandle; readonly index: number }

export type Job = (calls: number) => unknown

/** Each job has loops of its own, compiled for itself. */
export async function openJob(data: JobData): Promise<Job> {
  switch (data.job) {
    case 'block':
      return blockingAnswers(AutoResetEvent.fromHandle(data.question), AutoResetEvent.fromHandle(data.answer))
    case 'await':
      return awaitedAnswers(AutoResetEvent.fromHandle(data.question), AutoResetEvent.fromHandle(data.answer))
    case 'futex': {
      const { words } = Segment.fromHandle(data.segment)
      return bareAnswers(words, await futexOn(words), data.question, data.answer)
    }
    case 'echo':
      return echoes
    case 'lock':
      return locking(data.segment === undefined ? new Mutex() : new Mutex({ memory: Segment.fromHandle(data.segment) }))
    case 'count':
      return counting(SharedValue.fromHandle(data.value))
    case 'add':
      return adding(Segment.fromHandle(data.segment).words, data.index)
  }
}

function blockingAnswers(question: AutoResetEvent, answer: AutoResetEvent): Job {
  return (calls) => {
    for (let n = 0; n < calls; n++) {
      question.waitSync()
      answer.set()
    }
  }
}

function awaitedAnswers(question: AutoResetEvent, answer: AutoResetEvent): Job {
  return async (calls) => {
    for (let n = 0; n < calls; n++) {
      await question.wait()
      answer.set()
    }
  }
}

function bareAnswers(words: Int32Array, futex: Futex, question: number, answer: number): Job {
  return (calls) => {
    for (let n = 0; n < calls; n++) {
      takeBare(words, futex, question)
      giveBare(words, futex, answer)
    }
  }
}

/** The least that a signal can be: 1 while it is there, and who takes it makes it 0. */
export function giveBare(words: Int32Array, { wake }: Futex, index: number): void {
  Atomics.store(words, index, 1)
  wake(index)
}

export function takeBare(words: Int32Array, { wait }: Futex, index: number): void {
  while (Atomics.compareExchange(words, index, 1, 0) !== 1) wait(index, 0)
}

/** Sends numbers back as they come. */
function echoes(calls: number): Promise<void> {
  return new Promise((resolve) => {
    let left = calls
    const answer = (message: unknown) => {
      if (typeof message !== 'number') return
      process.send?.(message)
      if (--left > 0) return
      process.off('message', answer)
      resolve()
    }
    process.on('message', answer)
  })
}

function locking(mutex: Mutex): Job {
  return (calls) => {
    for (let n = 0; n < calls; n++) {
      const guard = mutex.acquireSync()
      guard.release()
    }
  }
}

function counting(value: SharedValue<'int32'>): Job {
  const lock = value.getLock()
  const increment = () => {
    value.value += 1
  }
  return (calls) => {
    for (let n = 0; n < calls; n++) lock.runExclusiveSync(increment)
  }
}

function adding(words: Int32Array, index: number): Job {
  return (calls) => {
    for (let n = 0; n < calls; n++) Atomics.add(words, index, 1)
  }
}
