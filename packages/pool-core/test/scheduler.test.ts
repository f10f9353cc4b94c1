import { getEventListeners } from 'node:events'
import { availableParallelism } from 'node:os'
import { BrokenError } from '@heddle/pool-core'
import { describe, expect, test } from '@jest/globals'
import { numbered } from './fixtures/tasks.mjs'
import { ControlledSlots, settled } from './support/controlled-slots.js'
import { rejectionOf } from './support/observe.js'
import { ignore, outcomeOf, poolOver } from './support/pool-over.js'

describe('which call runs where', () => {
  test('slots are made as calls need them, never more than maxWorkers', async () => {
    const slots = new ControlledSlots()
    const pool = poolOver(slots, { maxWorkers: 2 })
    expect(slots.slots).toHaveLength(0)
    ignore(pool.run(numbered, [1]))
    expect(slots.slots).toHaveLength(1)
    ignore(pool.run(numbered, [2]))
    ignore(pool.run(numbered, [3]))
    expect(slots.slots).toHaveLength(2)
    expect(slots.begun).toEqual([1, 2])
  })

  test('an idle slot is used again before a new one is made, and the one that was busy last comes first', async () => {
    const slots = new ControlledSlots()
    const pool = poolOver(slots, { maxWorkers: 3 })
    const both = Promise.all([pool.run(numbered, [1]), pool.run(numbered, [2])])
    const last = slots.runs(1)
    slots.runs(2).answer(2)
    await settled()
    last.answer(1)
    await both
    ignore(pool.run(numbered, [3]))
    expect(slots.runs(3)).toBe(last)
    ignore(pool.run(numbered, [4]))
    expect(slots.slots).toHaveLength(2)
  })

  test('by default there are as many slots as the machine has processors for this process', () => {
    const slots = new ControlledSlots()
    const pool = poolOver(slots)
    for (let call = 0; call < availableParallelism() + 3; call++) ignore(pool.run(numbered, [call]))
    expect(slots.slots).toHaveLength(availableParallelism())
  })

  test('calls begin in the order of submission, in whatever order slots become free', async () => {
    const slots = new ControlledSlots()
    const pool = poolOver(slots, { maxWorkers: 3 })
    const calls = Promise.all(Array.from({ length: 9 }, (_, call) => pool.run(numbered, [call])))
    for (const next of [2, 0, 3, 1, 5, 4, 6, 8, 7]) {
      slots.runs(next).answer(next * 10)
      await settled()
    }
    expect(slots.begun).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8])
    expect(await calls).toEqual([0, 10, 20, 30, 40, 50, 60, 70, 80])
  })

  test('a slot whose call has crashed serves the next one', async () => {
    const slots = new ControlledSlots()
    const pool = poolOver(slots, { maxWorkers: 1 })
    const crash = rejectionOf(pool.run(numbered, [1]))
    const next = pool.run(numbered, [2])
    const error = new BrokenError('it ended', { exitCode: 9 })
    slots.runs(1).crash(error)
    expect(await crash).toBe(error)
    slots.runs(2).answer('next')
    expect(await next).toBe('next')
  })

  test('an answer that cannot be opened here rejects its call, and the slot serves the next one', async () => {
    const slots = new ControlledSlots()
    const pool = poolOver(slots, { maxWorkers: 1 })
    const unknown = rejectionOf(pool.run(numbered, [1]))
    const next = pool.run(numbered, [2])
    const hole = {}
    slots
      .runs(1)
      .reply({ ok: true, outcome: { value: hole, specials: [{ hole, handle: { kind: 'unheard-of/Thing' } }] } })
    const error = await unknown
    expect(error.code).toBe('ERR_BAD_HANDLE')
    expect(error.message).toContain('@heddle/unheard-of')
    slots.runs(2).answer('next')
    expect(await next).toBe('next')
  })

  test('a slot that cannot be made rejects its call with the reason, leaves no trace, and the next call tries again', async () => {
    const slots = new ControlledSlots()
    const problems = [new Error('no more threads')]
    const create = () => {
      const problem = problems.pop()
      if (problem) throw problem
      return slots.create()
    }
    const pool = poolOver({ create }, { maxWorkers: 1 })
    const { signal } = new AbortController()
    expect((await rejectionOf(pool.run(numbered, [1], { signal }))).message).toBe('no more threads')
    expect(getEventListeners(signal, 'abort')).toEqual([])
    const next = pool.run(numbered, [2], { signal })
    slots.runs(2).answer('next')
    expect(await next).toBe('next')
  })
})

describe('ending calls', () => {
  test('an aborted call frees its slot only when the kill is over', async () => {
    const slots = new ControlledSlots()
    const pool = poolOver(slots, { maxWorkers: 1 })
    const controller = new AbortController()
    const aborted = rejectionOf(pool.run(numbered, [1], { signal: controller.signal }))
    ignore(pool.run(numbered, [2]))
    controller.abort('enough')
    expect(await aborted).toBe('enough')
    await settled()
    expect(slots.begun).toEqual([1])
    slots.slots[0]?.killed()
    await settled()
    expect(slots.begun).toEqual([1, 2])
    expect(slots.violations).toEqual([])
  })

  test('drain closes each slot once, after the last call, and is over when they are closed', async () => {
    const slots = new ControlledSlots()
    const pool = poolOver(slots, { maxWorkers: 2 })
    const calls = Promise.all([1, 2, 3].map((call) => pool.run(numbered, [call])))
    const drained = outcomeOf(pool.drain().then(() => 'drained'))
    for (const call of [1, 2, 3]) {
      await settled()
      expect(slots.slots.map(({ closed }) => closed)).toEqual([0, 0])
      slots.runs(call).answer(call)
    }
    await calls
    await Promise.all([pool.drain(), pool.terminate(), pool.drain()])
    expect(drained).toEqual({ value: 'drained' })
    expect(slots.slots.map(({ closed }) => closed)).toEqual([1, 1])
  })

  test('terminate rejects calls that run, are queued, or whose slot is being killed, and begins none of them', async () => {
    const slots = new ControlledSlots()
    const pool = poolOver(slots, { maxWorkers: 2 })
    const controller = new AbortController()
    const aborted = rejectionOf(pool.run(numbered, [1], { signal: controller.signal }))
    const others = [2, 3, 4].map((call) => rejectionOf(pool.run(numbered, [call])))
    controller.abort('enough')
    await pool.terminate()
    expect(await aborted).toBe('enough')
    expect((await Promise.all(others)).map(({ code }) => code)).toEqual(['ERR_CLOSED', 'ERR_CLOSED', 'ERR_CLOSED'])
    await settled()
    expect(slots.begun).toEqual([1, 2])
    expect(slots.slots.map(({ closed }) => closed)).toEqual([1, 1])
    expect(slots.violations).toEqual([])
  })
})
