import { EventEmitter } from 'node:events'
import {
  HostedSlot,
  type HostedWorker,
  type HostKind,
  PoolManager,
  type TaskCall,
  type WorkerHost,
} from '@heddle/pool-core'
import { expect, test } from '@jest/globals'
import { numbered } from './fixtures/tasks.mjs'
import { settled } from './support/controlled-slots.js'
import { rejectionOf } from './support/observe.js'

/** Behaves as tinypool's workers do: they have no `removeListener`. */
class FakeWorker implements HostedWorker {
  readonly events = new EventEmitter()
  readonly threadId: number

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

/** A host with one worker, whose calls, errors and end are for the test to settle. */
class FakeHost implements WorkerHost {
  readonly threads: FakeWorker[]
  readonly listened: string[] = []
  readonly worker: FakeWorker
  destroyed = 0
  calls: { resolve: (reply: unknown) => void; reject: (error: unknown) => void }[] = []
  destroying: { resolve: () => void; reject: (error: unknown) => void } | undefined

  constructor(threadId: number) {
    this.worker = new FakeWorker(threadId)
    this.threads = [this.worker]
    // As tinypool does: its own listener comes first, and rejects the calls.
    this.worker.events.on('error', (error) => {
      for (const { reject } of this.calls) reject(error)
    })
  }

  on(event: 'error'): void {
    this.listened.push(event)
  }

  run(): Promise<unknown> {
    return new Promise((resolve, reject) => this.calls.push({ resolve, reject }))
  }

  destroy(): Promise<void> {
    this.destroyed += 1
    return new Promise((resolve, reject) => {
      this.destroying = { resolve, reject }
    })
  }
}

function fakeHosts() {
  const hosts: FakeHost[] = []
  const killed: number[] = []
  const kind: HostKind = {
    what: 'fake worker',
    createHost() {
      const host = new FakeHost(hosts.length + 1)
      hosts.push(host)
      return host
    },
    killWorker: ({ threadId }) => killed.push(threadId),
  }
  const slot = new HostedSlot(kind)
  const hostAt = (index: number) => {
    const host = hosts[index]
    if (!host) throw new Error(`there is no host ${index}`)
    return host
  }
  return { slot, hosts, hostAt, killed }
}

const call: TaskCall = { task: { moduleUrl: 'file:///tasks.mjs', name: 'busy' }, args: { value: [] } }

async function isPending(promise: Promise<unknown>): Promise<boolean> {
  let pending = true
  const over = () => {
    pending = false
  }
  promise.then(over, over)
  await settled()
  return pending
}

test('a worker starts with the first call, and one after the other goes to it', async () => {
  const { slot, hosts, hostAt } = fakeHosts()
  expect(hosts).toHaveLength(0)
  const first = slot.run(call)
  hostAt(0).calls[0]?.resolve('first')
  expect(await first).toBe('first')
  void slot.run(call)
  expect(hosts).toHaveLength(1)
  expect(hostAt(0).calls).toHaveLength(2)
  expect(hostAt(0).listened).toEqual(['error'])
})

test('ready resolves with the first message of the worker, or when it dies instead', async () => {
  const { slot, hostAt } = fakeHosts()
  const running = rejectionOf(slot.run(call))
  const ready = slot.ready()
  expect(await isPending(ready)).toBe(true)
  hostAt(0).worker.emit('message', { ready: true })
  await ready
  hostAt(0).worker.emit('error', new Error('dead'))
  await running
  void slot.run(call).catch(() => {})
  const readyAgain = slot.ready()
  expect(await isPending(readyAgain)).toBe(true)
  hostAt(1).worker.emit('error', new Error('dead'))
  await readyAgain
})

test('an exit without an error becomes the error that the host waits for, and says the exit code', async () => {
  const { slot, hostAt } = fakeHosts()
  const running = rejectionOf(slot.run(call))
  hostAt(0).worker.emit('exit', 12, undefined)
  const error = await running
  expect(error).toMatchObject({ name: 'BrokenError', code: 'ERR_WORKER_CRASHED', exitCode: 12, signal: undefined })
  expect(error.message).toBe('the fake worker that ran task busy ended with exit code 12')
})

test('a signal is told as one, without an exit code', async () => {
  const { slot, hostAt } = fakeHosts()
  const running = rejectionOf(slot.run(call))
  hostAt(0).worker.emit('exit', null, 'SIGSEGV')
  const error = await running
  expect(error).toMatchObject({ exitCode: undefined, signal: 'SIGSEGV' })
  expect(error.message).toBe('the fake worker that ran task busy was ended by SIGSEGV')
})

test('an error of the worker is the cause of the BrokenError, and its message is told', async () => {
  const { slot, hostAt } = fakeHosts()
  const running = rejectionOf(slot.run(call))
  const cause = new RangeError('out of memory')
  hostAt(0).worker.emit('error', cause)
  const error = await running
  expect(error.cause).toBe(cause)
  expect(error.message).toBe('the fake worker that ran task busy failed: out of memory')
})

test('a host whose worker has died is ended with all that it has, and never called again', async () => {
  const { slot, hosts, hostAt, killed } = fakeHosts()
  const running = rejectionOf(slot.run(call))
  const replacement = new FakeWorker(99)
  hostAt(0).threads.splice(0, 1, replacement)
  hostAt(0).worker.emit('error', new Error('dead'))
  await running
  expect(hostAt(0).destroyed).toBe(1)
  expect(killed).toEqual([99])
  void slot.run(call)
  expect(hosts).toHaveLength(2)
  expect(hostAt(0).calls).toHaveLength(1)
  expect(hostAt(1).calls).toHaveLength(1)
})

test('kill ends the worker first, and is over when its host is destroyed', async () => {
  const { slot, hostAt, killed } = fakeHosts()
  void slot.run(call).catch(() => {})
  const over = slot.kill()
  expect(killed).toEqual([1])
  expect(hostAt(0).destroyed).toBe(1)
  expect(await isPending(over)).toBe(true)
  hostAt(0).worker.emit('exit', 0, undefined)
  hostAt(0).destroying?.resolve()
  await over
  void slot.run(call)
  expect(hostAt(1).calls).toHaveLength(1)
})

test('a worker that fails while its host is destroyed makes kill neither reject nor end before the exit', async () => {
  const { slot, hostAt } = fakeHosts()
  void slot.run(call).catch(() => {})
  const over = slot.kill()
  // What events.once does when an error comes before the event that it waits for.
  expect(() => hostAt(0).threads[0] && (hostAt(0).threads[0] as HostedWorker).removeListener?.()).not.toThrow()
  hostAt(0).destroying?.reject(new Error('failed on the way'))
  expect(await isPending(over)).toBe(true)
  hostAt(0).worker.emit('exit', 1, undefined)
  await over
})

test('a worker that could not be started has no exit to wait for', async () => {
  const { slot, hostAt } = fakeHosts()
  void slot.run(call).catch(() => {})
  Object.assign(hostAt(0).worker, { threadId: undefined })
  const over = slot.kill()
  hostAt(0).destroying?.reject(new Error('spawn failed'))
  await over
  expect(hostAt(0).destroyed).toBe(1)
})

test('close waits for every host that is still ending', async () => {
  const { slot, hostAt } = fakeHosts()
  void slot.run(call).catch(() => {})
  void slot.kill()
  void slot.run(call).catch(() => {})
  const closed = slot.close()
  for (const host of [hostAt(1), hostAt(0)]) {
    expect(await isPending(closed)).toBe(true)
    host.worker.emit('exit', 0, undefined)
    host.destroying?.resolve()
  }
  await closed
  expect([hostAt(0).destroyed, hostAt(1).destroyed]).toEqual([1, 1])
})

test('a worker that cannot even be made fails its call and nothing else, and the next call tries again', async () => {
  let attempts = 0
  const kind: HostKind = {
    what: 'fake worker',
    createHost() {
      attempts += 1
      throw new Error('no more threads')
    },
  }
  const pool = new PoolManager(() => new HostedSlot(kind), 'thread', { maxWorkers: 1 })
  const unhandled: unknown[] = []
  const collect = (reason: unknown) => unhandled.push(reason)
  process.on('unhandledRejection', collect)
  for (let round = 0; round < 2; round++) {
    const before = attempts
    const error = await rejectionOf(pool.run(numbered, [1], { timeout: 1_000 }))
    expect([error.code, error.cause.message]).toEqual(['ERR_WORKER_CRASHED', 'no more threads'])
    expect(attempts).toBeGreaterThan(before)
  }
  await settled()
  process.off('unhandledRejection', collect)
  expect(unhandled).toEqual([])
})
