import { Segment, SharedDict } from '@heddle/shared-memory'
import { AutoResetEvent, Mutex, type SharedObjectHandle, ThreadSafeCounter } from '@heddle/sync-primitives'
import { describe, expect, test } from '@jest/globals'
import { own } from './support/own.js'
import { ParticipantProcess } from './support/participant.js'
import { SegmentThread } from './support/segment-thread.js'

function lockedCounter(segment: Segment) {
  const mutex = new Mutex({ memory: segment })
  const counter = new ThreadSafeCounter(0, { memory: segment })
  return { mutex, counter, handles: { mutex: mutex.toHandle(), counter: counter.toHandle() } }
}

describe('worker threads on a segment of their process', () => {
  test('exclude each other and the main thread, and load no native code', async () => {
    using segment = Segment.create({ size: 1 })
    const { mutex, counter, handles } = lockedCounter(segment)
    const threads = [
      new SegmentThread('increment', { ...handles, rounds: 3_000 }),
      new SegmentThread('increment', { ...handles, rounds: 3_000 }),
      new SegmentThread('increment awaiting', { ...handles, rounds: 300 }),
    ]
    for (let round = 0; round < 300; round++) await mutex.runExclusive(() => counter.increment())
    expect(await Promise.all(threads.map((thread) => thread.result()))).toEqual([[], [], []])
    expect(counter.getValue()).toBe(6_600)
  })

  test('wake a main thread that blocks, and are woken by it', async () => {
    using segment = Segment.create({ size: 1 })
    const asked = new AutoResetEvent(false, { memory: segment })
    const answered = new AutoResetEvent(false, { memory: segment })
    const rounds = 200
    const echo = new SegmentThread('echo', { asked: asked.toHandle(), answered: answered.toHandle(), rounds })
    let passed = 0
    for (let round = 0; round < rounds; round++) {
      asked.set()
      if (await answered.wait({ timeout: 10_000 })) passed += 1
    }
    expect(await echo.result()).toEqual([])
    expect(passed).toBe(rounds)
  })

  test('that were started before the segment was made get it all the same', async () => {
    const early = new SegmentThread('open', { name: own('made-later') })
    // Whichever is first: it opens the segment of this process, or finds none.
    using segment = Segment.create({ name: own('made-later'), size: 1 << 17 })
    expect(await early.result()).toBe(segment.size)
  })

  test('a terminated one is noticed as the dead owner of what it held', async () => {
    using segment = Segment.create({ size: 1 })
    const { mutex, handles } = lockedCounter(segment)
    const holder = new SegmentThread('hold', handles)
    await holder.next()
    await holder.terminate()
    const guard = await mutex.acquire({ timeout: 5_000 })
    expect(guard.ownerDied).toBe(true)
    guard.markConsistent()
    guard.release()
    expect(segment.stats().participants).toEqual([{ processId: process.pid, threadId: 0 }])
  })

  test('what one holds when its process closes the segment counts as left by the dead, and who blocks is told', async () => {
    await using other = new ParticipantProcess()
    await other.do('create', { options: { name: own('closed-by-one'), size: 1 } })
    const segment = Segment.open(own('closed-by-one'))
    const { mutex, handles } = lockedCounter(segment)
    const holder = new SegmentThread('hold', handles)
    await holder.next()
    const blocked = new SegmentThread('block', handles)
    while (!mutex.getState().contended) await new Promise(setImmediate)
    segment.close()
    expect(await blocked.result()).toBe('ERR_CLOSED')
    using again = Segment.open(own('closed-by-one'))
    // The holder lives, and has nothing any more that it could write to.
    const guard = await Mutex.fromHandle(handles.mutex).acquire({ timeout: 5_000 })
    expect([again.isClosed, guard.ownerDied]).toEqual([false, true])
    guard.markConsistent()
    guard.release()
    await holder.terminate()
  })

  test('one that has made a segment itself takes it along when it is terminated, though its memory is still looked at', async () => {
    const name = own('of-a-thread')
    const maker = new SegmentThread('create and hold', { name })
    const { buffer } = await maker.next()
    expect(Segment.list().map((each) => each.name)).toContain(name)
    await maker.terminate()
    expect(Segment.list().map((each) => each.name)).not.toContain(name)
    expect(buffer?.byteLength).toBe(65_536)
  })

  test('one whose descriptors outlive it is noticed as dead all the same', async () => {
    const name = own('of-a-thread-with-descriptors')
    const maker = new SegmentThread('create and hold', { name }, { trackUnmanagedFds: false })
    const { mutex } = await maker.next()
    using segment = Segment.open(name)
    await maker.terminate()
    const guard = await Mutex.fromHandle(mutex as SharedObjectHandle).acquire({ timeout: 5_000 })
    expect([guard.ownerDied, segment.stats().participants.length]).toEqual([true, 1])
    guard.markConsistent()
    guard.release()
  })

  test('that open what no main thread has, keep it when the one that made it has ended', async () => {
    const name = own('of-two-threads')
    const maker = new SegmentThread('create and hold', { name })
    await maker.next()
    const other = new SegmentThread('open and hold', { name })
    await other.next()
    await maker.terminate()
    await using process = new ParticipantProcess()
    expect(await process.do('list')).toContain(name)
    expect(await process.do('open', { name })).toBe(65_536)
    await other.terminate()
  })

  test('that were started before their main thread closed the segment and opened it again load no native code either', async () => {
    const name = own('opened-again')
    await using keeper = new ParticipantProcess()
    await keeper.do('create', { options: { name, size: 1 } })
    const first = Segment.open(name)
    const gate = new Int32Array(new SharedArrayBuffer(4))
    const thread = new SegmentThread('open later', { name, gate })
    await thread.next()
    first.close()
    using again = Segment.open(name)
    Atomics.store(gate, 0, 1)
    Atomics.notify(gate, 0)
    expect(await thread.result()).toEqual([])
    expect(again.isClosed).toBe(false)
  })

  test('terminated at any age, in the middle of anything, end, and leave everything usable', async () => {
    using segment = Segment.create({ size: 1 << 20 })
    const { mutex, counter, handles } = lockedCounter(segment)
    const dict = new SharedDict<unknown>({ memory: segment })
    const data = { ...handles, dict: dict.toHandle(), name: segment.name }
    for (let round = 0; round < 40; round++) {
      const thread = new SegmentThread('everything', data)
      if (round % 2 === 1) await thread.next()
      // From some steps of its start to some thousand of its work.
      for (let turn = 0; turn < (round % 10) * 3; turn++) await new Promise(setImmediate)
      await thread.terminate()
    }
    const guard = await mutex.acquire({ timeout: 5_000 })
    guard.markConsistent()
    guard.release()
    const before = counter.getValue()
    expect(counter.increment()).toBe(before + 1)
    dict.set('after', 1)
    expect(dict.get('after')).toBe(1)
    expect(segment.stats().participants).toEqual([{ processId: process.pid, threadId: 0 }])
  })
})
