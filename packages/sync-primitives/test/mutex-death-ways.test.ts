import { Mutex } from '@heddle/sync-primitives'
import { describe, expect, test } from '@jest/globals'
import { MortalWorker } from './support/mortal-worker.js'
import { sharedWords } from './support/shared-words.js'
import { until } from './support/until.js'

/** How a thread ends, and with which exit code if that is certain. */
const ways = [
  ['process.exit()', 3],
  ['an error that nobody catches', 1],
  ['running out of memory', 1],
  ['having nothing left to do', 0],
] as const

const resourceLimits = { maxOldGenerationSizeMb: 24, maxYoungGenerationSizeMb: 4 }

describe.each([
  ['a mutex', () => new Mutex()],
  ['a fair mutex', () => new Mutex({ fair: true })],
])('%s whose owner dies', (_, create) => {
  test.each(ways)('by %s: this thread, which blocks for it, gets it and is told', async (way, code) => {
    const mutex = create()
    const owner = await MortalWorker.withObjects({ mutex }, { resourceLimits })
    await owner.run('acquireSync', { name: 'mutex' })
    void owner.run('dieWhenWanted', { name: 'mutex', way })
    const guard = mutex.acquireSync({ timeout: 10_000 })
    expect(guard.ownerDied).toBe(true)
    guard.markConsistent()
    guard.release()
    expect(await owner.ended).toBe(code)
    expect(mutex.acquireSync().ownerDied).toBe(false)
  })

  test('by terminate() from another thread: this thread, which blocks for it, gets it and is told', async () => {
    const mutex = create()
    const parent = await MortalWorker.withObjects({ mutex })
    const ready = sharedWords(1)
    const terminated = parent.run('terminateHolderWhenWanted', { name: 'mutex', handle: mutex.toHandle(), ready })
    const held = until(() => Atomics.load(ready, 0) === 1, 'a thread of that thread holds it')
    await Promise.race([held, terminated])
    const guard = mutex.acquireSync({ timeout: 10_000 })
    expect(guard.ownerDied).toBe(true)
    guard.release()
    await terminated
  })

  test('by terminate() of this thread, which then blocks for it at once', async () => {
    const mutex = create()
    const owner = await MortalWorker.withObjects({ mutex })
    await owner.run('acquireSync', { name: 'mutex' })
    const terminated = owner.terminate()
    expect(mutex.acquireSync({ timeout: 10_000 }).ownerDied).toBe(true)
    await terminated
  })

  test.each(['acquireSync', 'acquire'])('while another thread waits by %s: that one is told', async (form) => {
    const mutex = create()
    const [owner, heir] = [await MortalWorker.withObjects({ mutex }), await MortalWorker.withObjects({ mutex })]
    await owner.run('acquireSync', { name: 'mutex' })
    const inherited = heir.run(form, { name: 'mutex' })
    await owner.run('dieWhenWanted', { name: 'mutex', way: 'process.exit()' }).catch(() => {})
    expect(await inherited).toEqual({ ownerDied: true })
    expect(await heir.run('state', { name: 'mutex' })).toMatchObject({ owner: { alive: true }, ownerDied: true })
  })

  test('while a task of this thread awaits it: the task is told within a second', async () => {
    const mutex = create()
    const owner = await MortalWorker.withObjects({ mutex })
    await owner.run('acquireSync', { name: 'mutex' })
    const [first, second] = [mutex.acquire(), mutex.acquire()]
    await owner.terminate()
    const begun = performance.now()
    const guard = await first
    expect(performance.now() - begun).toBeLessThan(1_000)
    expect(guard.ownerDied).toBe(true)
    guard.markConsistent()
    guard.release()
    expect((await second).ownerDied).toBe(false)
  })
})
