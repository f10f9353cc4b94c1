import { Mutex } from '@heddle/sync-primitives'
import { expect, test } from '@jest/globals'
import { MortalWorker } from './support/mortal-worker.js'
import { sharedWords } from './support/shared-words.js'
import { until } from './support/until.js'

test('a storm of terminations at any moment leaves no mutex stuck: each is had, and repaired where it was held', async () => {
  for (let round = 0; round < 8; round++) {
    const mutex = new Mutex({ fair: round % 2 === 0 })
    const words = sharedWords(2)
    const doomed = await MortalWorker.withObjects({ mutex }, { options: { repair: 'mark' } })
    void doomed.run('rounds', { name: 'mutex', rounds: 1_000_000, words })
    await until(() => Atomics.load(words, 1) > 10 + round * 7, 'the thread is at work')
    const terminated = doomed.terminate()
    const guard = mutex.acquireSync({ timeout: 5_000 })
    guard.markConsistent()
    guard.release()
    await terminated
    const next = await mutex.acquire({ timeout: 5_000 })
    if (next.ownerDied) next.markConsistent()
    next.release()
    expect(mutex.getState()).toMatchObject({ held: false, ownerDied: false, recoverable: true })
  }
})
