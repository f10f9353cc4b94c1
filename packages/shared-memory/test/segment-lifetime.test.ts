import { fork, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Segment, SharedArray, SharedDict, SharedMemoryManager } from '@heddle/shared-memory'
import { AutoResetEvent, Mutex, ThreadSafeCounter } from '@heddle/sync-primitives'
import { describe, expect, test } from '@jest/globals'
import { outcomeOf } from './support/outcome.js'
import { own } from './support/own.js'
import { ParticipantProcess } from './support/participant.js'
import { SegmentThread } from './support/segment-thread.js'

const folder = `/dev/shm/heddle-${process.geteuid?.()}`
const fixture = (name: string) => fileURLToPath(new URL(`fixtures/segments/${name}`, import.meta.url))

/** The mappings of this process that keep a file of ours. */
const mapped = (segment: string): number =>
  fs
    .readFileSync('/proc/self/maps', 'utf8')
    .split('\n')
    .filter((line) => line.includes(`/${segment}`)).length

describe('closing', () => {
  test('gives the memory back at once, also when worker threads had the segment', async () => {
    const segment = Segment.create({ size: 1 << 20 })
    const holder = new SegmentThread('hold', { mutex: new Mutex({ memory: segment }).toHandle() })
    await holder.next()
    const { name } = segment
    expect(mapped(name)).toBeGreaterThan(0)
    segment.close()
    expect(mapped(name)).toBe(0)
    await holder.terminate()
  })

  test('a segment that could not be made leaves no mapping', () => {
    using segment = Segment.create({ name: own('in-the-way'), size: 1 })
    expect(outcomeOf(() => Segment.create({ name: segment.name, size: 1 }))).toMatchObject({
      code: 'ERR_SEGMENT_EXISTS',
    })
    expect(fs.readFileSync('/proc/self/maps', 'utf8')).not.toContain('/.new-')
  })

  test('by a thread that has mapped the segment itself robs no other thread of its process', async () => {
    await using other = new ParticipantProcess()
    await other.do('create', { options: { name: own('two-mappings'), size: 1 } })
    using segment = Segment.open(own('two-mappings'))
    const mutex = new Mutex({ memory: segment })
    const guard = mutex.acquireSync()
    // This thread blocks and does not answer: the worker has to make a mapping of its own.
    const worker = new SegmentThread('open', { name: segment.name })
    const end = performance.now() + 1_000
    while (performance.now() < end);
    expect(await worker.result()).toBe(segment.size)
    expect(await other.do('try lock', { handle: mutex.toHandle() })).toBe('held')
    guard.release()
    expect(await other.do('try lock', { handle: mutex.toHandle() })).toBe('free')
  })

  test('counts openings only: a handle that is opened on its way keeps nothing open', async () => {
    await using other = new ParticipantProcess()
    await other.do('create', { options: { name: own('by-handle'), size: 1 } })
    const first = Segment.open(own('by-handle'))
    const handle = new ThreadSafeCounter(1, { memory: first }).toHandle()
    first.close()
    ThreadSafeCounter.fromHandle(handle)
    const again = Segment.open(own('by-handle'))
    again.close()
    expect(again.isClosed).toBe(true)
  })

  test('of two managers of one segment, disposed of twice, leaves the other one', () => {
    using maker = new SharedMemoryManager({ name: own('two-managers'), size: 1 << 18 })
    const second = SharedMemoryManager.attach(maker.name)
    second.dispose()
    second.dispose()
    expect(maker.getSharedDict().size).toBe(0)
  })

  test('the maker of a segment takes away its own name only, not that of a later one', async () => {
    const maker = new SharedMemoryManager({ name: own('renamed'), size: 1 << 18 })
    Segment.unlink(maker.name)
    using later = Segment.create({ name: maker.name, size: 1 << 18 })
    maker.dispose()
    expect(Segment.list().map(({ name }) => name)).toContain(later.name)
  })
})

test('a process takes part until it has ended: what its exit handlers do counts, and nobody robs them', async () => {
  using segment = Segment.create({ name: own('at-exit'), size: 1 << 20 })
  const dict = segment.getOrCreate('dict', () => new SharedDict<number>({ memory: segment }))
  const programs = [1, 2, 3].map(() => fork(fixture('exit-handler.mjs'), [segment.name, '3000']))
  expect(await Promise.all(programs.map(async (program) => (await once(program, 'exit'))[0]))).toEqual([0, 0, 0])
  expect(dict.get('sum')).toBe(9_000)
})

test('wake-ups are not lost for good with a ring that nobody gave', async () => {
  using segment = Segment.create({ size: 1 })
  const event = new AutoResetEvent(false, { memory: segment })
  await using other = new ParticipantProcess()
  await other.do('open handle', { handle: segment.toHandle() })
  const waited = event.wait()
  // As one leaves it who dies between disarming and ringing.
  const armed = 32 + 16 * (segment.participant & 255) + 10
  expect(segment.words[armed]).not.toBe(0)
  Atomics.store(segment.words, armed, 0)
  await other.do('set event', { handle: event.toHandle() })
  expect(await waited).toBe(true)
  const begun = performance.now()
  for (let round = 0; round < 20; round++) {
    const again = event.wait()
    await other.do('set event', { handle: event.toHandle() })
    expect(await again).toBe(true)
  }
  // Twenty rounds that had to be looked after would take a second.
  expect(performance.now() - begun).toBeLessThan(900)
})

test('what lies in the folder and is no bell breaks nothing', () => {
  using segment = Segment.create({ size: 1 })
  const junk = [
    `${folder}/.bell-dir-${process.pid}`,
    `${folder}/.bell-link-${process.pid}`,
    `${folder}/.ring-x-${process.pid}`,
  ]
  fs.mkdirSync(junk[0] as string)
  fs.symlinkSync('/dev/null', junk[1] as string)
  fs.writeFileSync(junk[2] as string, '', { mode: 0 })
  try {
    expect(Segment.list().map(({ name }) => name)).toContain(segment.name)
    expect(junk.map((each) => fs.lstatSync(each, { throwIfNoEntry: false }) !== undefined)).toEqual([true, true, true])
  } finally {
    for (const each of junk) fs.rmSync(each, { recursive: true, force: true })
  }
})

test('an object that is disposed of by two, one of whom is late, is freed once, and nobody else loses his', () => {
  using segment = Segment.create({ size: 1 << 18 })
  const array = new SharedArray('i', 10, { memory: segment })
  const twin = SharedArray.fromHandle(array.toHandle())
  const dict = new SharedDict({ memory: segment })
  const dictTwin = SharedDict.fromHandle(dict.toHandle())
  array.dispose()
  dict.dispose()
  // Others get their places: there is none left then.
  const later: SharedArray<'int32'>[] = []
  const fill = (): never => {
    for (;;) later.push(new SharedArray('i', [later.length], { memory: segment }))
  }
  expect(outcomeOf(fill)).toMatchObject({ code: 'ERR_OUT_OF_RANGE' })
  for (const late of [() => twin.dispose(), () => dictTwin.dispose(), () => array.dispose(), () => dict.dispose()])
    outcomeOf(late)
  expect(later.map((each) => each.get(0))).toEqual(later.map((_, n) => n))
})

test('freeing by the segment is told from freeing again, also when another object has the place', () => {
  using segment = Segment.create({ size: 1 })
  const mutex = new Mutex({ memory: segment })
  const dict = new SharedDict({ memory: segment })
  expect([segment.dispose(mutex), segment.dispose(dict)]).toEqual([true, true])
  let later = new Mutex({ memory: segment })
  while (later.toHandle().index !== mutex.toHandle().index) later = new Mutex({ memory: segment })
  expect([segment.dispose(mutex), segment.dispose(dict)]).toEqual([false, false])
  expect(Mutex.fromHandle(later.toHandle()).tryAcquire()?.held).toBe(true)
  expect(outcomeOf(() => Mutex.fromHandle(mutex.toHandle()))).toMatchObject({ code: 'ERR_BAD_HANDLE' })
})

test('a process that has no descriptor left waits and releases all the same', () => {
  const { stdout, stderr } = spawnSync(
    'sh',
    ['-c', 'ulimit -n 1024 && exec "$0" "$@"', process.execPath, fixture('no-descriptors.mjs')],
    { encoding: 'utf8' },
  )
  expect({ stdout, stderr }).toEqual({ stdout: 'EMFILE\nfalse\nfalse\n', stderr: '' })
})
