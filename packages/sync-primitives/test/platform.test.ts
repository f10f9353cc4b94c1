import { describe, expect, test } from '@jest/globals'
import { sharedWords } from './support/shared-words.js'

// What we rely on in Atomics and structured clone, and what we work around. A failure here means that the engine has
// changed, and that the code which names the fact has to be looked at again.

const shortly = 30

function sleep(
  words: Int32Array<SharedArrayBuffer>,
  index: number,
  expected: number,
  timeout = 5_000,
): Promise<string> {
  const outcome = Atomics.waitAsync(words, index, expected, timeout)
  return Promise.resolve(outcome.value)
}

describe('the platform', () => {
  test('a sleeper on one word does not wake when other words of the buffer are notified', async () => {
    const words = sharedWords(16)
    const asleep = sleep(words, 0, 0)
    for (let index = 1; index < 16; index++) expect(Atomics.notify(words, index)).toBe(0)
    expect(Atomics.notify(words, 0)).toBe(1)
    expect(await asleep).toBe('ok')
  })

  test('a wait for a value that the word no longer has returns at once', () => {
    const words = sharedWords(1)
    words[0] = 42
    expect(Atomics.wait(words, 0, 0, 5_000)).toBe('not-equal')
    expect(Atomics.waitAsync(words, 0, 0, 5_000)).toEqual({ async: false, value: 'not-equal' })
  })

  test('changing the word without a notify wakes nobody', async () => {
    const words = sharedWords(1)
    const asleep = sleep(words, 0, 0, shortly)
    Atomics.store(words, 0, 1)
    Atomics.add(words, 0, 1)
    Atomics.sub(words, 0, 1)
    Atomics.and(words, 0, 3)
    Atomics.or(words, 0, 4)
    Atomics.xor(words, 0, 2)
    Atomics.exchange(words, 0, 9)
    Atomics.compareExchange(words, 0, 9, 10)
    expect(await asleep).toBe('timed-out')
  })

  test('sleepers wake in the order in which they went to sleep', async () => {
    const words = sharedWords(1)
    const order: number[] = []
    const asleep = [0, 1, 2].map((sleeper) => sleep(words, 0, 0).then(() => order.push(sleeper)))
    for (const sleeper of asleep) {
      expect(Atomics.notify(words, 0, 1)).toBe(1)
      await sleeper
    }
    expect(order).toEqual([0, 1, 2])
  })

  test('notify counts: 0, negative and NaN wake nobody, Infinity wakes all', async () => {
    const words = sharedWords(1)
    const asleep = [1, 2, 3].map(() => sleep(words, 0, 0))
    expect([0, -1, Number.NaN].map((count) => Atomics.notify(words, 0, count))).toEqual([0, 0, 0])
    expect(Atomics.notify(words, 0, Number.POSITIVE_INFINITY)).toBe(3)
    expect(await Promise.all(asleep)).toEqual(['ok', 'ok', 'ok'])
  })

  test('raw time-outs of null, false and -1 return at once: our own rule has to come first', () => {
    const words = sharedWords(1)
    for (const timeout of [null, false, -1]) expect(Atomics.wait(words, 0, 0, timeout as number)).toBe('timed-out')
  })

  test('a waitAsync that nobody wants any more swallows the next notify', async () => {
    const words = sharedWords(1)
    void sleep(words, 0, 0) // abandoned
    const wanted = sleep(words, 0, 0, shortly)
    expect(Atomics.notify(words, 0, 1)).toBe(1)
    expect(await wanted).toBe('timed-out')
  })

  test('the main thread may block', () => {
    const words = sharedWords(1)
    const begun = performance.now()
    expect(Atomics.wait(words, 0, 0, shortly)).toBe('timed-out')
    expect(performance.now() - begun).toBeGreaterThanOrEqual(shortly - 1)
  })

  test('structured clone makes a new SharedArrayBuffer object for the same memory each time', () => {
    const words = sharedWords(1)
    const clone = structuredClone(words.buffer)
    expect(clone).not.toBe(words.buffer)
    expect(structuredClone(words.buffer)).not.toBe(clone)
    Atomics.store(words, 0, 7)
    expect(Atomics.load(new Int32Array(clone), 0)).toBe(7)
  })
})
