import { Segment, SharedMemoryManager } from '@heddle/shared-memory'
import { describe, expect, test } from '@jest/globals'
import { invalid, outcomeOf, outOfRange } from './support/outcome.js'
import { own } from './support/own.js'
import { ParticipantProcess } from './support/participant.js'

const segmentError = (code: string) => expect.objectContaining({ name: 'SegmentError', code })

test('what one process makes by name, another one finds by name, and both see what either writes', async () => {
  using manager = new SharedMemoryManager({ name: own('managed'), size: 1 << 20 })
  const count = manager.createSharedValue('count', 5)
  const numbers = manager.createSharedArray('numbers', 3, 'd')
  await using other = new ParticipantProcess()
  const names = await other.do<string[]>('attach', { name: manager.name })
  expect(names.sort()).toEqual(['array numbers', 'dict', 'list', 'value count'])
  expect([count.value, ...numbers]).toEqual([6, 0, 2.5, 0])
  expect(manager.getSharedDict().get('from')).toBe('the other')
  expect(manager.getSharedList().toArray()).toEqual([{ from: 'the other' }])
})

describe('names', () => {
  test('a name that is taken is an error, and what has it is unchanged', () => {
    using manager = new SharedMemoryManager({ size: 1 << 20 })
    const array = manager.createSharedArray('twice', 2)
    array.set(0, 7)
    expect(outcomeOf(() => manager.createSharedArray('twice', 5))).toEqual(segmentError('ERR_SEGMENT_EXISTS'))
    expect([...manager.getSharedArray('twice')]).toEqual([7, 0])
    expect(manager.createSharedValue('twice').value).toBe(0)
  })

  test('a name that nobody has made is an error, and so is another type than it was made with', () => {
    using manager = new SharedMemoryManager({ size: 1 << 20 })
    manager.createSharedArray('integers', 2, 'i')
    expect(outcomeOf(() => manager.getSharedArray('none'))).toEqual(segmentError('ERR_SEGMENT_NOT_FOUND'))
    expect(outcomeOf(() => manager.getSharedValue('integers'))).toEqual(segmentError('ERR_SEGMENT_NOT_FOUND'))
    expect(outcomeOf(() => manager.getSharedArray('integers', 'd'))).toEqual(invalid)
    for (const name of [undefined, null, 1, {}])
      expect(outcomeOf(() => manager.createSharedValue(name as never))).toEqual(invalid)
  })

  test('what cannot be made takes no name and no memory', () => {
    using manager = new SharedMemoryManager({ size: 1 << 18 })
    manager.createSharedArray('first', 2)
    const { usedBytes } = manager.segment.stats()
    expect(outcomeOf(() => manager.createSharedArray('large', 10_000_000))).toEqual(outOfRange)
    expect(outcomeOf(() => manager.createSharedArray('odd', -1))).toEqual(outOfRange)
    expect(outcomeOf(() => manager.createSharedArray('odd', 2, 'x' as never))).toEqual(invalid)
    expect(outcomeOf(() => manager.createSharedValue('odd', 1.5))).toEqual(outOfRange)
    expect(manager.segment.stats().usedBytes).toBe(usedBytes)
    expect(manager.segment.names()).toEqual(['array first'])
  })
})

describe('the end', () => {
  test('of its maker takes the name away, and frees all when nobody else has it', () => {
    const manager = new SharedMemoryManager({ name: own('disposed'), size: 1 << 18 })
    const value = manager.createSharedValue('value')
    manager.dispose()
    manager.dispose()
    expect(outcomeOf(() => SharedMemoryManager.attach(own('disposed')))).toEqual(segmentError('ERR_SEGMENT_NOT_FOUND'))
    expect(outcomeOf(() => value.value)).toMatchObject({ code: 'ERR_CLOSED' })
    expect(outcomeOf(() => manager.getSharedDict())).toMatchObject({ code: 'ERR_CLOSED' })
    expect(Segment.list().map(({ name }) => name)).not.toContain(own('disposed'))
  })

  test('of one who attached leaves it to the others', () => {
    using manager = new SharedMemoryManager({ name: own('stays'), size: 1 << 18 })
    SharedMemoryManager.attach(own('stays')).dispose()
    SharedMemoryManager.fromHandle(manager.toHandle()).dispose()
    expect(manager.getSharedList().length).toBe(0)
    SharedMemoryManager.attach(own('stays')).dispose()
  })
})

test('bad options are argument errors', () => {
  expect(outcomeOf(() => new SharedMemoryManager({ size: 0 }))).toEqual(outOfRange)
  expect(outcomeOf(() => new SharedMemoryManager({ name: '../x' }))).toEqual(invalid)
  expect(outcomeOf(() => new SharedMemoryManager(1 as never))).toEqual(invalid)
})
