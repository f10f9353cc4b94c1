import { EventEmitter } from 'node:events'
import { encodeThrown } from '@heddle/codec'
import {
  type Death,
  type FromWorker,
  type HelloReply,
  type HostKind,
  hostedKind,
  PoolManager,
  type ToWorker,
  type WorkerHost,
} from '@heddle/pool-core'
import { expect, jest, test } from '@jest/globals'
import { numbered } from './fixtures/tasks.mjs'
import { outcomeOf, settled } from './support/fake-workers.ts'
import { rejectionOf } from './support/observe.js'

type HostedThread = WorkerHost['threads'][number]

/** Behaves as tinypool's workers do: they have no `removeListener`. */
class FakeThread implements HostedThread {
  readonly events = new EventEmitter()
  readonly thread = this.events
  threadId: number

  constructor(threadId: number) {
    this.threadId = threadId
  }

  once(event: string, listener: (...details: unknown[]) => void): void {
    this.events.once(event, listener)
  }

  emit(event: string, ...details: unknown[]): void {
    this.events.emit(event, ...details)
  }
}

/** A host with one worker, whose errors and end are for the test to settle. */
class FakeHost implements WorkerHost {
  readonly threads: FakeThread[]
  readonly options = { minThreads: 1 }
  readonly listened: string[] = []
  readonly thread: FakeThread
  /** How many workers it would have started in place of one that failed. */
  replaced = 0
  destroyed = 0
  destroying: { resolve: () => void; reject: (error: unknown) => void } | undefined

  constructor(threadId: number) {
    this.thread = new FakeThread(threadId)
    this.threads = [this.thread]
    this.thread.once('error', () => {
      this.replaced += this.options.minThreads
    })
  }

  on(event: 'error'): void {
    this.listened.push(event)
  }

  destroy(): Promise<void> {
    this.destroyed += 1
    return new Promise((resolve, reject) => {
      this.destroying = { resolve, reject }
    })
  }
}

interface Seen {
  readonly events: string[]
  readonly deaths: Death[]
  readonly messages: FromWorker[]
}

function start({
  boundary = 'thread',
  resourceLimits,
  startTimeout = Number.POSITIVE_INFINITY,
  finish,
}: {
  readonly boundary?: 'thread' | 'process'
  readonly resourceLimits?: { readonly maxOldGenerationSizeMb: number }
  readonly startTimeout?: number
  readonly finish?: () => Promise<void>
} = {}) {
  const host = new FakeHost(1)
  const killed: number[] = []
  const sent: ToWorker[] = []
  let closed = 0
  let reply: { resolve: (answer: HelloReply) => void; reject: (error: unknown) => void } | undefined
  let receive: (message: FromWorker) => void = () => undefined
  const kind: HostKind = {
    what: 'fake worker',
    boundary,
    createHost: () => host,
    connect: (_host, _hello, onMessage) => {
      receive = onMessage
      return {
        lane: {
          send: (message) => sent.push(message),
          finish: () => finish?.(),
          close: () => {
            closed += 1
          },
        },
        reply: new Promise((resolve, reject) => {
          reply = { resolve, reject }
        }),
      }
    },
    killWorker: ({ threadId }) => killed.push(threadId),
  }
  const seen: Seen = { events: [], deaths: [], messages: [] }
  const settings = { execArgv: undefined, env: undefined, resourceLimits }
  const startWorker = hostedKind(kind).startWorker(settings, startTimeout)
  const link = startWorker(
    { words: undefined, initializer: undefined },
    {
      onReady: () => seen.events.push('ready'),
      onMessage: (message) => {
        seen.events.push('message')
        seen.messages.push(message)
      },
      onEnding: () => seen.events.push('ending'),
      onEnd: (death) => {
        seen.events.push('end')
        seen.deaths.push(death)
      },
    },
  )
  const ready = async () => {
    reply?.resolve({ ok: true, pid: 11, threadId: 1 })
    await settled()
  }
  return {
    host,
    killed,
    sent,
    link,
    seen,
    ready,
    refuse: (error: unknown) => reply?.resolve({ ok: false, error: encodeThrown(error, 'thread') }),
    failReply: (error: unknown) => reply?.reject(error),
    tell: (message: FromWorker) => receive(message),
    closed: () => closed,
    exit: (code: number | undefined, signal?: string) => host.thread.emit('exit', code, signal),
  }
}

const howOf = ({ deaths: [death] }: Seen) => death?.how

test('it is ready when it has answered, and then has the ids that it said', async () => {
  const { host, link, seen, ready, sent, tell } = start()
  expect([host.listened, seen.events, link.pid]).toEqual([['error'], [], undefined])
  await ready()
  expect([seen.events, link.pid, link.threadId]).toEqual([['ready'], 11, 1])
  link.send({ type: 'credit', id: 1, count: 2 })
  tell({ type: 'started', id: 1 })
  expect([sent, seen.messages]).toEqual([[{ type: 'credit', id: 1, count: 2 }], [{ type: 'started', id: 1 }]])
})

test('an exit becomes the error that the host waits for, and says the exit code; nothing comes after the end', async () => {
  const { host, seen, ready, exit, tell, closed } = start()
  const errors: unknown[] = []
  host.thread.events.on('error', (error) => errors.push(error))
  await ready()
  exit(12)
  await settled()
  expect(errors).toHaveLength(1)
  expect(seen.deaths).toEqual([
    expect.objectContaining({
      how: 'ended with exit code 12',
      exitCode: 12,
      signal: undefined,
      pid: 11,
      threadId: 1,
      cause: undefined,
      wasStarting: false,
      initializerFailed: false,
    }),
  ])
  tell({ type: 'started', id: 1 })
  host.destroying?.resolve()
  await settled()
  expect(seen.events).toEqual(['ready', 'ending', 'end'])
  expect([host.destroyed, closed()]).toEqual([1, 1])
})

test('a signal is told as one, without an exit code', async () => {
  const { seen, exit, ready } = start({ boundary: 'process' })
  await ready()
  exit(undefined, 'SIGSEGV')
  expect(seen.deaths[0]).toMatchObject({ how: 'was ended by SIGSEGV', exitCode: undefined, signal: 'SIGSEGV' })
})

test('what ended for want of memory says so, and how much it had', async () => {
  const memory = Object.assign(new Error('out'), { code: 'ERR_WORKER_OUT_OF_MEMORY' })
  const resourceLimits = { maxOldGenerationSizeMb: 4 }
  const thread = start({ resourceLimits })
  await thread.ready()
  thread.host.thread.emit('error', memory)
  thread.exit(1)
  expect(howOf(thread.seen)).toBe('ran out of memory (maxOldGenerationSizeMb: 4)')
  const unlimited = start()
  await unlimited.ready()
  unlimited.host.thread.emit('error', memory)
  unlimited.exit(1)
  expect(howOf(unlimited.seen)).toBe('ran out of memory')
  const process = start({ boundary: 'process', resourceLimits })
  await process.ready()
  process.exit(undefined, 'SIGABRT')
  expect(howOf(process.seen)).toBe(
    'was ended by SIGABRT, as Node does when memory runs out (maxOldGenerationSizeMb: 4)',
  )
})

test('its uncaught error is the cause of its end, and the host and its worker are ended', async () => {
  const { host, seen, ready, exit, killed, tell } = start()
  await ready()
  tell({ type: 'uncaught', error: encodeThrown(new RangeError('first'), 'thread') })
  host.thread.emit('error', new Error('said by the host'))
  exit(1)
  expect(seen.deaths[0]).toMatchObject({ cause: { name: 'RangeError', message: 'first' }, exitCode: 1 })
  expect([host.destroyed, killed]).toEqual([1, [1]])
})

test('the error of a thread is the cause where it has said none itself', async () => {
  const { host, seen, ready, exit } = start()
  await ready()
  const cause = new RangeError('of the thread')
  host.thread.emit('error', cause)
  exit(1)
  expect(seen.deaths[0]?.cause).toBe(cause)
})

test('an error that cannot be opened here is a cause, too', async () => {
  const { seen, ready, exit, tell } = start()
  await ready()
  const hole = {}
  tell({ type: 'uncaught', error: { value: hole, specials: [{ hole, handle: { kind: 'unheard-of/Thing' } }] } })
  exit(1)
  expect(seen.deaths[0]?.cause).toMatchObject({ code: 'ERR_BAD_HANDLE' })
})

test('what it had sent before its exit is heard before its end', async () => {
  let finish: () => void = () => undefined
  const finishing = new Promise<void>((resolve) => {
    finish = resolve
  })
  const { seen, ready, exit, tell } = start({ finish: () => finishing })
  await ready()
  exit(0)
  expect(seen.events).toEqual(['ready', 'ending'])
  tell({ type: 'started', id: 1 })
  finish()
  await settled()
  expect(seen.events).toEqual(['ready', 'ending', 'message', 'end'])
})

test('an initializer that throws ends it, and its error is told', async () => {
  const { seen, refuse, exit, host } = start()
  refuse(new RangeError('no licence'))
  await settled()
  expect(host.destroyed).toBe(1)
  exit(0)
  expect(seen.events).toEqual(['ending', 'end'])
  expect(seen.deaths[0]).toMatchObject({ wasStarting: true, initializerFailed: true, cause: { message: 'no licence' } })
})

test('one that is not ready within startTimeout is given up, not a moment earlier', async () => {
  const slow = start({ startTimeout: 100 })
  const quick = start({ startTimeout: 100 })
  await quick.ready()
  jest.advanceTimersByTime(99)
  expect(slow.host.destroyed).toBe(0)
  jest.advanceTimersByTime(1)
  expect([slow.host.destroyed, quick.host.destroyed]).toEqual([1, 0])
  slow.exit(undefined, 'SIGKILL')
  expect(slow.seen.deaths[0]).toMatchObject({ wasStarting: true, cause: { message: 'it was not ready within 100 ms' } })
})

test('kill ends the worker first, and is over when its host is destroyed and it has exited; twice is once', async () => {
  const { link, host, killed, exit, ready, seen } = start()
  await ready()
  const over = outcomeOf(link.kill().then(() => 'over'))
  expect([killed, host.destroyed]).toEqual([[1], 1])
  expect(link.kill()).toBe(link.kill())
  host.destroying?.resolve()
  await settled()
  expect(over).toEqual({})
  exit(0)
  await settled()
  expect(over).toEqual({ value: 'over' })
  expect([host.destroyed, seen.events]).toEqual([1, ['ready', 'ending', 'end']])
})

test('a worker that fails while its host is destroyed makes kill neither reject nor end before the exit', async () => {
  const { link, host, exit, ready } = start()
  await ready()
  const over = outcomeOf(link.kill().then(() => 'over'))
  // What events.once does when an error comes before the event that it waits for.
  expect(() => (host.threads[0] as HostedThread).removeListener?.()).not.toThrow()
  host.destroying?.reject(new Error('failed on the way'))
  await settled()
  expect(over).toEqual({})
  exit(1)
  await settled()
  expect(over).toEqual({ value: 'over' })
})

test('kill is over although the failure was told while the exit was: between processes tinypool does so', async () => {
  const { host, link, seen, exit } = start({ boundary: 'process' })
  host.thread.events.prependListener('exit', () => host.thread.emit('error', new Error('it has exited')))
  exit(3)
  host.destroying?.resolve()
  await link.kill()
  expect([howOf(seen), host.destroyed]).toEqual(['ended with exit code 3', 1])
})

test('a worker that could not be started has no exit to wait for, and its error is told', async () => {
  const { host, seen, failReply } = start({ boundary: 'process' })
  Object.assign(host.thread, { threadId: undefined })
  const cause = new Error('spawn ENOENT')
  failReply(cause)
  await settled()
  host.destroying?.reject(cause)
  await settled()
  expect(seen.deaths).toMatchObject([{ how: 'failed: spawn ENOENT', wasStarting: true, cause }])
})

test('a worker that dies is replaced by nobody but the pool: by an error, by an exit, and when it is ended', async () => {
  const failing = start()
  failing.host.thread.emit('error', new Error('out of memory'))
  const exiting = start()
  exiting.host.thread.emit('exit', 1)
  const ended = start()
  await ended.ready()
  void ended.link.kill()
  ended.host.thread.emit('error', new Error('late'))
  await settled()
  expect([failing, exiting, ended].map(({ host }) => host.replaced)).toEqual([0, 0, 0])
  expect(failing.seen.deaths).toEqual([])
})

test('a host that cannot be made fails the pool, and no rejection is left unhandled', async () => {
  const kind: HostKind = {
    what: 'fake worker',
    boundary: 'thread',
    createHost() {
      throw new Error('no more threads')
    },
    connect() {
      throw new Error('never')
    },
  }
  const unhandled: unknown[] = []
  const collect = (reason: unknown) => unhandled.push(reason)
  process.on('unhandledRejection', collect)
  const pool = new PoolManager(hostedKind(kind), { maxWorkers: 1 })
  const error = await rejectionOf(pool.run(numbered, [1], { timeout: 1_000 }))
  expect([error.code, error.cause.message]).toEqual(['ERR_WORKER_CRASHED', 'no more threads'])
  await settled()
  process.off('unhandledRejection', collect)
  expect(unhandled).toEqual([])
})
