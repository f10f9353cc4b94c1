import { Semaphore } from '@heddle/sync-primitives'
import { ourClass } from './load.js'

/** A signal that lets exactly one waiter pass: both sides of a round trip are made of two of them. */
export interface Signal {
  send(): void
  block(): void
  arrive(): Promise<unknown>
}

export interface SignalData {
  readonly kind: 'event' | 'semaphore' | 'bare'
  readonly handle: object
}

interface AutoResetEvent {
  set(): void
  wait(): Promise<boolean>
  waitSync(): boolean
  toHandle(): object
}

interface AutoResetEventClass {
  new (): AutoResetEvent
  fromHandle(handle: object): AutoResetEvent
}

/** Which class of ours carries the signals: the event, and as long as that is not there, a semaphore without permits. */
export async function signalName(): Promise<'AutoResetEvent' | 'Semaphore(0)'> {
  return 'AutoResetEvent' in (await import('@heddle/sync-primitives')) ? 'AutoResetEvent' : 'Semaphore(0)'
}

/** The data of a new signal: bare atomics, or ours. */
export async function newSignal(whose: 'ours' | 'bare'): Promise<SignalData> {
  if (whose === 'bare') return { kind: 'bare', handle: new SharedArrayBuffer(4) }
  if ((await signalName()) === 'Semaphore(0)') return { kind: 'semaphore', handle: new Semaphore(0).toHandle() }
  const AutoResetEvent = await ourClass<AutoResetEventClass>('AutoResetEvent')
  return { kind: 'event', handle: new AutoResetEvent().toHandle() }
}

export async function openSignal({ kind, handle }: SignalData): Promise<Signal> {
  if (kind === 'bare') return bareSignal(new Int32Array(handle as SharedArrayBuffer))
  if (kind === 'semaphore') return semaphoreSignal(Semaphore.fromHandle(handle as ReturnType<Semaphore['toHandle']>))
  return eventSignal((await ourClass<AutoResetEventClass>('AutoResetEvent')).fromHandle(handle))
}

function eventSignal(event: AutoResetEvent): Signal {
  return { send: () => event.set(), block: () => void event.waitSync(), arrive: () => event.wait() }
}

function semaphoreSignal(semaphore: Semaphore): Signal {
  return {
    send: () => semaphore.release(),
    block: () => semaphore.acquireSync().detach(),
    arrive: async () => (await semaphore.acquire()).detach(),
  }
}

function bareSignal(word: Int32Array): Signal {
  const taken = () => Atomics.compareExchange(word, 0, 1, 0) === 1
  return {
    send: () => {
      Atomics.store(word, 0, 1)
      Atomics.notify(word, 0, 1)
    },
    block: () => {
      while (!taken()) Atomics.wait(word, 0, 0)
    },
    arrive: async () => {
      while (!taken()) {
        const { async, value } = Atomics.waitAsync(word, 0, 0)
        if (async) await value
      }
    },
  }
}
