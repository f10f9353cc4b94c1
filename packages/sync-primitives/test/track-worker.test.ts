import { EventEmitter, getEventListeners } from 'node:events'
import { Mutex, ThreadMemory, type TrackedWorker, trackWorker } from '@heddle/sync-primitives'
import { describe, expect, test } from '@jest/globals'
import { MortalWorker } from './support/mortal-worker.js'
import { thrownBy } from './support/until.js'

/** What a worker is to `trackWorker`; its end can be told while its thread, here this one's, goes on. */
class Pretended extends EventEmitter {
  readonly threadId: number

  constructor(threadId: number) {
    super()
    this.threadId = threadId
  }
}

describe('trackWorker', () => {
  test.each([
    ['null', null],
    ['undefined', undefined],
    ['a number', 1],
    ['a thread id', { threadId: 1 }],
    ['an emitter that is no thread', new EventEmitter()],
    ['a thread id in text', Object.assign(new EventEmitter(), { threadId: '1' })],
    ['half a thread', Object.assign(new EventEmitter(), { threadId: 1.5 })],
    ['NaN as thread id', Object.assign(new EventEmitter(), { threadId: Number.NaN })],
    ['an object whose once is no function', { threadId: 1, once: true }],
  ])('%s is no worker', (_, worker) => {
    expect(thrownBy(() => trackWorker(worker as TrackedWorker))).toMatchObject({
      name: 'TypeError',
      code: 'ERR_INVALID_ARG',
    })
  })

  test('however often a worker is tracked, it gets one listener, and that is gone when it has ended', async () => {
    const { worker, ended } = await MortalWorker.withObjects({})
    const before = getEventListeners(worker, 'exit').length
    for (let call = 0; call < 5; call++) trackWorker(worker)
    expect(getEventListeners(worker, 'exit')).toHaveLength(before + 1)
    await worker.terminate()
    await ended
    expect(getEventListeners(worker, 'exit')).toHaveLength(0)
  })

  test('the mutex of a tracked worker can be had by tryAcquire as soon as its exit event is emitted', async () => {
    for (const fair of [false, true]) {
      const mutex = new Mutex({ fair })
      const owner = await MortalWorker.withObjects({ mutex })
      trackWorker(owner.worker)
      await owner.run('acquireSync', { name: 'mutex' })
      // Just asked: on its own account this thread would believe in that life for some milliseconds more.
      expect(mutex.tryAcquire()).toBeUndefined()
      expect(mutex.getState().owner?.alive).toBe(true)
      await owner.terminate()
      expect(mutex.getState().owner).toMatchObject({ alive: false })
      expect(mutex.tryAcquire()?.ownerDied).toBe(true)
    }
  })

  test('the end of a worker is told to every memory that this thread uses, and to none of another thread', async () => {
    const memories = [ThreadMemory.create(), ThreadMemory.create({ participants: 2 })]
    const mutexes = memories.map((memory) => new Mutex({ memory }))
    const owner = await MortalWorker.withObjects(Object.fromEntries(mutexes.entries()))
    const bystander = await MortalWorker.withObjects({ 0: mutexes[0] as Mutex })
    trackWorker(owner.worker)
    trackWorker(bystander.worker)
    for (const name of ['0', '1']) await owner.run('acquireSync', { name })
    await owner.terminate()
    for (const mutex of mutexes) {
      expect(mutex.getState().owner).toMatchObject({ alive: false })
      const guard = mutex.tryAcquire()
      expect(guard?.ownerDied).toBe(true)
      guard?.markConsistent()
      guard?.release()
    }
    await bystander.run('acquireSync', { name: '0' })
    expect(mutexes[0]?.getState()).toMatchObject({ owner: { alive: true }, ownerDied: false })
    expect(mutexes[0]?.tryAcquire()).toBeUndefined()
  })

  test('what is told by the exit event counts, whatever the system says of the thread', async () => {
    const mutex = new Mutex({ memory: ThreadMemory.create() })
    const owner = await MortalWorker.withObjects({ mutex })
    await owner.run('acquireSync', { name: 'mutex' })
    const threadId = owner.worker.threadId
    const pretended = new Pretended(threadId)
    trackWorker(pretended)
    expect(mutex.tryAcquire()).toBeUndefined()
    pretended.emit('exit', 0)
    expect(mutex.tryAcquire()?.ownerDied).toBe(true)
  })

  test('a worker that has ended already is taken without a word, and gets no listener', async () => {
    const { worker, ended } = await MortalWorker.withObjects({})
    await worker.terminate()
    await ended
    expect(worker.threadId).toBe(-1)
    trackWorker(worker)
    expect(getEventListeners(worker, 'exit')).toHaveLength(0)
  })
})
