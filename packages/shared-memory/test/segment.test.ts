import { Segment } from '@heddle/shared-memory'
import { ThreadSafeCounter } from '@heddle/sync-primitives'
import { describe, expect, test } from '@jest/globals'
import { badHandle, invalid, outcomeOf, outOfRange } from './support/outcome.js'
import { own } from './support/own.js'
import { ParticipantProcess } from './support/participant.js'

const segmentError = (code: string) => expect.objectContaining({ name: 'SegmentError', code })
const notFound = segmentError('ERR_SEGMENT_NOT_FOUND')

/** Looks until the name is there. Nothing but its absence is let pass. */
async function openWhenThere(name: string): Promise<Segment> {
  for (;;) {
    try {
      return Segment.open(name)
    } catch (error) {
      if ((error as { code?: string }).code !== 'ERR_SEGMENT_NOT_FOUND') throw error
      await new Promise(setImmediate)
    }
  }
}

const names = () => Segment.list().map(({ name }) => name)

describe('making a segment', () => {
  test('SM1: a size of zero or less, of another type, or none is an argument error', () => {
    for (const size of [0, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY])
      expect(outcomeOf(() => Segment.create({ size }))).toEqual(outOfRange)
    for (const size of [undefined, null, '65536', 65536n, {}])
      expect(outcomeOf(() => Segment.create({ size: size as never }))).toEqual(invalid)
    expect(outcomeOf(() => Segment.create(undefined as never))).toEqual(invalid)
    expect(outcomeOf(() => Segment.create(null as never))).toEqual(invalid)
  })

  test('a name with other characters, too long, or beginning with a dot is an argument error', () => {
    for (const name of ['', '.', '..', '.hidden', 'a/b', '../x', 'ä', 'a b', 'x'.repeat(101), 'a\0b', 1, null])
      expect(outcomeOf(() => Segment.create({ name: name as string, size: 1 }))).toEqual(invalid)
  })

  test('the number of participants is a whole number from 1 to 255', () => {
    for (const participants of [0, -1, 1.5, 256, Number.NaN])
      expect(outcomeOf(() => Segment.create({ size: 1, participants }))).toEqual(outOfRange)
    using one = Segment.create({ size: 1, participants: 1 })
    expect(one.slots).toBe(1)
  })

  test('its size is rounded up to 64 KiB, and its words are zero where nothing is', () => {
    using segment = Segment.create({ size: 65_537 })
    expect(segment.size).toBe(131_072)
    expect(segment.stats()).toMatchObject({ size: 131_072, areas: 0, usedBytes: 0 })
    const index = segment.allocate(1000)
    expect(segment.words.subarray(index, index + 1000).every((word) => word === 0)).toBe(true)
  })

  test('SM2: a name that is taken is an error, and the segment behind it is as it was', () => {
    using segment = Segment.create({ name: own('taken'), size: 1 })
    const counter = new ThreadSafeCounter(7, { memory: segment })
    expect(outcomeOf(() => Segment.create({ name: own('taken'), size: 1 }))).toEqual(segmentError('ERR_SEGMENT_EXISTS'))
    expect(counter.getValue()).toBe(7)
    expect(names()).toContain(own('taken'))
  })

  test('SM5: generated names differ, and each segment is its own', () => {
    using one = Segment.create({ size: 1 })
    using other = Segment.create({ size: 1 })
    expect(one.name).not.toBe(other.name)
    expect(one.identity).not.toEqual(other.identity)
  })
})

describe('opening a segment', () => {
  test('SM2: a name that is not there is an error', () => {
    expect(outcomeOf(() => Segment.open('never-made'))).toEqual(notFound)
    expect(outcomeOf(() => Segment.open('../x'))).toEqual(invalid)
    expect(outcomeOf(() => Segment.open(undefined as never))).toEqual(invalid)
  })

  test('SM3: another process sees the size that the segment has', async () => {
    using segment = Segment.create({ name: own('sized'), size: 200_000 })
    await using other = new ParticipantProcess()
    expect(await other.do('open', { name: own('sized') })).toBe(segment.size)
  })

  test('a thread that opens it twice gets the same object, which is closed with the last close', () => {
    const first = Segment.create({ name: own('twice'), size: 1 })
    const second = Segment.open(own('twice'))
    expect(second).toBe(first)
    second.close()
    expect(first.isClosed).toBe(false)
    first.close()
    expect(first.isClosed).toBe(true)
    first.close()
    expect(outcomeOf(() => Segment.open(own('twice')))).toEqual(notFound)
  })

  test('SM6: what is written by a handle in another process is seen here, and the reverse', async () => {
    using segment = Segment.create({ size: 1 })
    const counter = new ThreadSafeCounter(1, { memory: segment })
    await using other = new ParticipantProcess()
    expect(await other.do('increment', { handle: counter.toHandle() })).toBe(2)
    counter.increment()
    expect(await other.do('increment', { handle: counter.toHandle() })).toBe(4)
  })

  test('SM6: a handle of a segment that was unlinked before it arrived is not found', async () => {
    using segment = Segment.create({ name: own('gone'), size: 1 })
    const handle = segment.toHandle()
    Segment.unlink(own('gone'))
    await using other = new ParticipantProcess()
    await expect(other.do('open handle', { handle })).rejects.toMatchObject({ code: 'ERR_SEGMENT_NOT_FOUND' })
  })

  test('SM6: nor does it find another segment that has the name by now', async () => {
    using old = Segment.create({ name: own('reused'), size: 1 })
    Segment.unlink(own('reused'))
    using young = Segment.create({ name: own('reused'), size: 1 })
    await using other = new ParticipantProcess()
    await expect(other.do('open handle', { handle: old.toHandle() })).rejects.toMatchObject({
      code: 'ERR_SEGMENT_NOT_FOUND',
    })
    expect(await other.do('open handle', { handle: young.toHandle() })).toBe(young.size)
  })

  test('a handle is JSON, and opens the same object in the same thread', () => {
    using segment = Segment.create({ size: 1 })
    const handle = JSON.parse(JSON.stringify(segment.toHandle()))
    const again = Segment.fromHandle(handle)
    expect(again).toBe(segment)
    again.close()
    for (const bad of [
      undefined,
      null,
      1,
      {},
      { ...handle, kind: 'x' },
      { ...handle, version: 9 },
      { ...handle, identity: 'x' },
    ])
      expect(outcomeOf(() => Segment.fromHandle(bad as never))).toEqual(badHandle)
    expect(outcomeOf(() => Segment.fromHandle({ ...handle, identity: '0'.repeat(32), segment: '../x' }))).toEqual(
      invalid,
    )
  })

  test('more threads than there is room for is an error that changes nothing', async () => {
    using segment = Segment.create({ name: own('full'), size: 1, participants: 2 })
    await using second = new ParticipantProcess()
    await second.do('open', { name: own('full') })
    await using third = new ParticipantProcess()
    await expect(third.do('open', { name: own('full') })).rejects.toMatchObject({ code: 'ERR_TOO_MANY_PARTICIPANTS' })
    expect(segment.stats().participants.map(({ processId }) => processId)).toEqual([process.pid, second.pid])
    await second.kill()
    expect(await third.do('open', { name: own('full') })).toBe(segment.size)
  })
})

describe('the end of a segment', () => {
  test('SM4: an unlinked one stays valid for those who have it; nobody else finds it; a second unlink is an error', async () => {
    await using other = new ParticipantProcess()
    using segment = Segment.create({ name: own('unlinked'), size: 1 })
    const counter = new ThreadSafeCounter(0, { memory: segment })
    await other.do('open', { name: own('unlinked') })
    Segment.unlink(own('unlinked'))
    expect(await other.do('increment', { handle: counter.toHandle() })).toBe(1)
    expect(counter.getValue()).toBe(1)
    await using late = new ParticipantProcess()
    await expect(late.do('open', { name: own('unlinked') })).rejects.toMatchObject({ code: 'ERR_SEGMENT_NOT_FOUND' })
    expect(outcomeOf(() => Segment.unlink(own('unlinked')))).toEqual(notFound)
    expect(names()).not.toContain(own('unlinked'))
  })

  test('it lives on when its maker closes it, and goes with the last participant', async () => {
    const segment = Segment.create({ name: own('outlives'), size: 1 })
    const counter = new ThreadSafeCounter(5, { memory: segment })
    const handle = counter.toHandle()
    await using other = new ParticipantProcess()
    await other.do('open', { name: own('outlives') })
    segment.close()
    expect(await other.do('increment', { handle })).toBe(6)
    expect(names()).toContain(own('outlives'))
    await other.do('close', { name: own('outlives') })
    expect(outcomeOf(() => Segment.open(own('outlives')))).toEqual(notFound)
  })

  test('a process that exits takes along what only it had', async () => {
    await using other = new ParticipantProcess()
    await other.do('create', { options: { name: own('of-one'), size: 1 } })
    expect(names()).toContain(own('of-one'))
    const exited = other.do('exit').catch((error: Error) => error.message)
    expect(await exited).toContain('ended before')
    expect(names()).not.toContain(own('of-one'))
  })

  test('SM7: of a killed maker nobody finds the segment, and the next look removes it', async () => {
    await using other = new ParticipantProcess()
    await other.do('create', { options: { name: own('of-the-dead'), size: 1 } })
    expect(names()).toContain(own('of-the-dead'))
    await other.kill()
    expect(outcomeOf(() => Segment.open(own('of-the-dead')))).toEqual(notFound)
    expect(names()).not.toContain(own('of-the-dead'))
    Segment.create({ name: own('of-the-dead'), size: 1 }).close()
  })

  test('closing ends the use of every object in it, and of a pending wait', async () => {
    const segment = Segment.create({ size: 1 })
    const counter = new ThreadSafeCounter(3, { memory: segment })
    const { words } = segment
    segment.close()
    expect(outcomeOf(() => counter.getValue())).toMatchObject({ name: 'ClosedError', code: 'ERR_CLOSED' })
    expect(outcomeOf(() => segment.stats())).toMatchObject({ code: 'ERR_CLOSED' })
    expect(outcomeOf(() => segment.allocate(1))).toMatchObject({ code: 'ERR_CLOSED' })
    expect(words.every((word) => word === 0)).toBe(true)
  })

  test('SM18: nobody finds a segment before it is whole, however many look while it is made', async () => {
    await using maker = new ParticipantProcess()
    for (let round = 0; round < 20; round++) {
      const name = own(`whole-${round}`)
      const made = maker.do('create', { options: { name, size: 1 << 20 } })
      const opened = await openWhenThere(name)
      expect(opened.size).toBe(1 << 20)
      await made
      opened.close()
      await maker.do('close', { name })
    }
  })
})
