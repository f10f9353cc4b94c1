import { Barrier } from '@heddle/sync-primitives'
import { expect, test } from '@jest/globals'
import { rejects, rejectsWith } from './support/rejects.js'
import { wordsUnder } from './support/shared-words.js'
import { thrownBy } from './support/until.js'

// How a barrier breaks within one thread, and how it is mended.

const broken = { name: 'BrokenError', code: 'ERR_BARRIER_BROKEN' }
const come = (barrier: Barrier, tasks: number) => Array.from({ length: tasks }, () => barrier.wait())
const allBroken = (waits: Promise<unknown>[]) => Promise.all(waits.map((wait) => rejects(wait, broken.code)))

async function passes(barrier: Barrier) {
  const turns = await Promise.all(come(barrier, barrier.parties))
  expect(turns.map(({ index }) => index).sort((a, b) => a - b)).toEqual([...turns.keys()])
  expect(turns.filter(({ serial }) => serial)).toHaveLength(1)
}

test('a party that times out, not before its time, breaks the barrier until somebody resets it', async () => {
  const barrier = new Barrier(3)
  const other = allBroken([barrier.wait()])
  const begun = performance.now()
  await expect(barrier.wait({ timeout: 60 })).rejects.toMatchObject({ name: 'TimeoutError', code: 'ERR_TIMEOUT' })
  const waited = performance.now() - begun
  expect(waited).toBeGreaterThanOrEqual(60)
  expect(waited).toBeLessThan(1_060)
  await other
  expect(barrier.getState()).toEqual({ parties: 3, waiting: 0, broken: true })
  await allBroken(come(barrier, 2))
  expect(thrownBy(() => barrier.waitSync())).toMatchObject(broken)
  barrier.reset()
  await passes(barrier)
})

test('a blocking party that times out breaks it as well', async () => {
  const barrier = new Barrier(3)
  const other = allBroken([barrier.wait()])
  const begun = performance.now()
  expect(thrownBy(() => barrier.waitSync({ timeout: 60 }))).toMatchObject({ code: 'ERR_TIMEOUT' })
  expect(performance.now() - begun).toBeGreaterThanOrEqual(60)
  await other
})

test('a party that tries once and is not the last one breaks it; the last one passes', async () => {
  const barrier = new Barrier(2)
  await expect(barrier.wait({ timeout: 0 })).rejects.toMatchObject({ code: 'ERR_TIMEOUT' })
  expect(barrier.getState().broken).toBe(true)
  barrier.reset()
  const first = barrier.wait()
  expect(await barrier.wait({ timeout: 0 })).toEqual({ index: 1, serial: true })
  expect(await first).toEqual({ index: 0, serial: false })
})

test('a party that is aborted while it waits rejects with the reason as given and breaks the barrier', async () => {
  const barrier = new Barrier(3)
  for (const reason of [new Error('enough'), { why: 'enough' }, 'enough', 0]) {
    const controller = new AbortController()
    const other = allBroken([barrier.wait()])
    const aborted = rejectsWith(barrier.wait({ signal: controller.signal }), reason)
    controller.abort(reason)
    await Promise.all([other, aborted])
    await allBroken([barrier.wait()])
    barrier.reset()
  }
  await passes(barrier)
  expect(barrier.getState()).toEqual({ parties: 3, waiting: 0, broken: false })
})

test('a signal that is aborted already: that party does not come, and nothing breaks', async () => {
  const barrier = new Barrier(2)
  const first = barrier.wait()
  await expect(barrier.wait({ signal: AbortSignal.abort('late') })).rejects.toBe('late')
  expect(barrier.getState()).toEqual({ parties: 2, waiting: 1, broken: false })
  await barrier.wait()
  expect((await first).index).toBe(0)
})

test('an abort after all have come changes nothing, also in the same turn', async () => {
  const barrier = new Barrier(2)
  const controller = new AbortController()
  const first = barrier.wait({ signal: controller.signal })
  const last = barrier.wait({ signal: controller.signal })
  controller.abort()
  expect((await first).index + (await last).index).toBe(1)
  expect(barrier.getState().broken).toBe(false)
  await passes(barrier)
})

test('of several parties on one signal the first gets its reason, and the others the barrier that it broke', async () => {
  const barrier = new Barrier(4)
  const controller = new AbortController()
  const waits = [1, 2, 3].map(() => barrier.wait({ signal: controller.signal }))
  const results = Promise.allSettled(waits)
  controller.abort('all')
  const reasons = (await results).map((result) => (result.status === 'rejected' ? result.reason : undefined))
  expect(reasons).toMatchObject(['all', broken, broken])
})

test('a party that gives up before it could come, while the action of the others runs, has not come at all', async () => {
  let finish: () => void = () => {}
  const barrier = new Barrier(2, { action: () => new Promise<void>((resolve) => (finish = resolve)) })
  const waits = come(barrier, 2)
  await expect(barrier.wait({ timeout: 20 })).rejects.toMatchObject({ code: 'ERR_TIMEOUT' })
  finish()
  await Promise.all(waits)
  expect(barrier.getState().waiting).toBe(0)
})

test('abort breaks it for those who wait and those who come; a second one changes nothing', async () => {
  const barrier = new Barrier(3)
  const waits = allBroken(come(barrier, 2))
  barrier.abort()
  barrier.abort()
  await waits
  await allBroken(come(barrier, 3))
  expect(barrier.getState()).toEqual({ parties: 3, waiting: 0, broken: true })
  barrier.reset()
  barrier.reset()
  await passes(barrier)
})

test('abort with nobody there breaks it too', async () => {
  const barrier = new Barrier(2)
  barrier.abort()
  expect(barrier.getState().broken).toBe(true)
  expect(thrownBy(() => barrier.waitSync({ timeout: 0 }))).toMatchObject(broken)
})

test('reset breaks it for those who wait, and only for them', async () => {
  const barrier = new Barrier(3)
  const waits = allBroken(come(barrier, 2))
  barrier.reset()
  expect(barrier.getState()).toEqual({ parties: 3, waiting: 0, broken: false })
  const next = come(barrier, 3)
  await waits
  expect((await Promise.all(next)).map(({ index }) => index)).toEqual([0, 1, 2])
})

test('reset with nobody there changes nothing, also between two generations', async () => {
  const barrier = new Barrier(2)
  barrier.reset()
  await passes(barrier)
  barrier.reset()
  expect(barrier.getState()).toEqual({ parties: 2, waiting: 0, broken: false })
  const first = barrier.wait()
  await barrier.wait()
  barrier.reset()
  // It has passed: a reset that comes before it could look does not take that back.
  expect(await first).toEqual({ index: 0, serial: false })
})

test('a party that has passed knows it, also if its barrier breaks before it could look', async () => {
  const barrier = new Barrier(2)
  const first = barrier.wait()
  await barrier.wait()
  barrier.abort()
  expect(await first).toEqual({ index: 0, serial: false })
  expect(barrier.getState().broken).toBe(true)
})

test('200 times broken and mended in every way, it still passes', async () => {
  const barrier = new Barrier(2)
  for (let round = 0; round < 200; round++) {
    const controller = new AbortController()
    const first = barrier.wait({ signal: controller.signal })
    const settled = rejects(first)
    if (round % 3 === 0) controller.abort()
    else if (round % 3 === 1) barrier.abort()
    barrier.reset()
    await settled
    if (round % 10 === 0) await passes(barrier)
  }
  await passes(barrier)
  expect(barrier.getState()).toEqual({ parties: 2, waiting: 0, broken: false })
})

test('when the count of generations goes round, nobody who came long ago is counted', async () => {
  const barrier = new Barrier(2)
  const first = allBroken([barrier.wait()])
  barrier.abort()
  await first
  const { words, state } = wordsUnder(barrier)
  Atomics.store(words, state + 2, ((2 ** 20 - 1) << 2) | 2) // the last generation there is, broken
  barrier.reset()
  expect(barrier.getState()).toEqual({ parties: 2, waiting: 0, broken: false })
  await passes(barrier)
})

test('generations pass and break as ever where their count goes round', async () => {
  const barrier = new Barrier(2)
  const { words, state } = wordsUnder(barrier)
  Atomics.store(words, state + 2, (2 ** 20 - 3) << 2)
  for (let generation = 0; generation < 3; generation++) {
    await passes(barrier)
    const waits = allBroken([barrier.wait()])
    barrier.reset()
    await waits
    expect(barrier.getState()).toEqual({ parties: 2, waiting: 0, broken: false })
  }
})
