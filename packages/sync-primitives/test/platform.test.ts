import { spawnSync } from 'node:child_process'
import { Worker } from 'node:worker_threads'
import { describe, expect, test } from '@jest/globals'
import { sharedWords } from './support/shared-words.js'
import { thrownBy, until } from './support/until.js'

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

/** A thread that sleeps on a word, and what its wait gives. */
function blocked(words: Int32Array<SharedArrayBuffer>, index = 0, timeout?: number) {
  const begun = sharedWords(1)
  const worker = new Worker(
    `const { parentPort, workerData: { words, index, timeout, begun } } = require('node:worker_threads')
    Atomics.store(begun, 0, 1)
    parentPort.postMessage(Atomics.wait(words, index, Atomics.load(words, index), timeout))`,
    { eval: true, workerData: { words, index, timeout, begun } },
  )
  let settled = false
  const outcome = new Promise((resolve) => {
    worker.once('message', resolve)
    worker.once('exit', () => resolve('ended'))
  }).then((value) => {
    settled = true
    return value
  })
  const ready = until(() => Atomics.load(begun, 0) === 1, 'the thread is about to sleep')
  return { worker, outcome, ready, isSettled: () => settled }
}

/** Resolves when the thread sleeps: it wakes, and the test has what it needs to know. */
const awake = (words: Int32Array<SharedArrayBuffer>, index: number, count = 1) =>
  until(() => Atomics.notify(words, index, count) > 0, `a thread sleeps on word ${index}`)

describe('threads that sleep in Atomics.wait', () => {
  test('do not wake when other words are written and notified', async () => {
    const words = sharedWords(16)
    const sleeper = blocked(words, 3)
    await sleeper.ready
    for (let round = 0; round < 20; round++)
      for (let index = 0; index < 16; index++) {
        if (index === 3) continue
        Atomics.add(words, index, 1)
        expect(Atomics.notify(words, index)).toBe(0)
      }
    await new Promise((resolve) => setImmediate(resolve))
    expect(sleeper.isSettled()).toBe(false)
    await awake(words, 3)
    expect(await sleeper.outcome).toBe('ok')
  })

  test('do not wake before their time when their word is changed without a notify', async () => {
    const words = sharedWords(1)
    const sleepers = [120, 130].map((timeout) => blocked(words, 0, timeout))
    await Promise.all(sleepers.map(({ ready }) => ready))
    while (!sleepers.every(({ isSettled }) => isSettled())) {
      // Back to 0 each time: a thread that has not gone to sleep yet finds what it expects.
      Atomics.add(words, 0, 7)
      Atomics.sub(words, 0, 7)
      Atomics.or(words, 0, 6)
      Atomics.and(words, 0, 0)
      Atomics.xor(words, 0, 5)
      Atomics.exchange(words, 0, 0)
      Atomics.compareExchange(words, 0, 0, 9)
      Atomics.store(words, 0, 0)
      await new Promise((resolve) => setImmediate(resolve))
    }
    for (const { outcome } of sleepers) expect(['timed-out', 'not-equal']).toContain(await outcome)
  })

  test('stand in one queue with those of waitAsync, first come, first served', async () => {
    const words = sharedWords(1)
    const sleeper = blocked(words)
    await until(() => {
      void sleep(words, 0, 0)
      // Once the thread sleeps, this wakes it, not the one that has come since.
      Atomics.notify(words, 0, 1)
      return sleeper.isSettled()
    }, 'the thread is awake')
    expect(await sleeper.outcome).toBe('ok')
    expect(Atomics.notify(words, 0)).toBe(1)
  })

  test('end with terminate, at once', async () => {
    const words = sharedWords(1)
    const sleeper = blocked(words)
    await sleeper.ready
    const begun = performance.now()
    await sleeper.worker.terminate()
    expect(await sleeper.outcome).toBe('ended')
    expect(performance.now() - begun).toBeLessThan(1_000)
    expect(Atomics.notify(words, 0)).toBe(0)
  })

  test('raw time-outs of NaN, undefined and Infinity wait for ever: our own rule has to come first', async () => {
    const words = sharedWords(1)
    const sleepers = [Number.NaN, undefined, Number.POSITIVE_INFINITY].map((timeout) => blocked(words, 0, timeout))
    await Promise.all(sleepers.map(({ ready }) => ready))
    await until(() => {
      Atomics.notify(words, 0)
      return sleepers.every(({ isSettled }) => isSettled())
    }, 'all are awake')
    for (const { outcome } of sleepers) expect(await outcome).toBe('ok')
  })
})

describe('odd arguments of Atomics', () => {
  test('a time-out of true is 1 ms, a string is a number, and a symbol or a bigint throws', () => {
    const words = sharedWords(1)
    for (const timeout of [true, '1', '', []])
      expect(Atomics.wait(words, 0, 0, timeout as unknown as number)).toBe('timed-out')
    for (const timeout of [Symbol('1'), 1n])
      expect(thrownBy(() => Atomics.wait(words, 0, 0, timeout as unknown as number))).toHaveProperty(
        'name',
        'TypeError',
      )
  })

  test('a notify count of undefined wakes all, a fraction is cut off, and null is 0', async () => {
    const words = sharedWords(1)
    const asleep = [1, 2, 3, 4].map(() => sleep(words, 0, 0))
    expect(Atomics.notify(words, 0, null as unknown as number)).toBe(0)
    expect(Atomics.notify(words, 0, 1.9)).toBe(1)
    expect(Atomics.notify(words, 0, undefined)).toBe(3)
    expect(await Promise.all(asleep)).toEqual(['ok', 'ok', 'ok', 'ok'])
  })

  test('an index outside the array throws, and so does a wait on memory that is not shared; its notify wakes nobody', () => {
    const words = sharedWords(1)
    for (const call of [() => Atomics.wait(words, 1, 0, 0), () => Atomics.notify(words, -1)])
      expect(thrownBy(call)).toHaveProperty('name', 'RangeError')
    const own = new Int32Array(1)
    expect(thrownBy(() => Atomics.wait(own, 0, 0, 0))).toHaveProperty('name', 'TypeError')
    expect(thrownBy(() => Atomics.waitAsync(own as never, 0, 0, 0))).toHaveProperty('name', 'TypeError')
    expect(Atomics.notify(own, 0)).toBe(0)
  })
})

describe('waitAsync', () => {
  test('with no time at all answers at once, without a promise', () => {
    expect(Atomics.waitAsync(sharedWords(1), 0, 0, 0)).toEqual({ async: false, value: 'timed-out' })
  })

  test('resolves in a later turn, not within notify', async () => {
    const words = sharedWords(1)
    let woken = false
    const asleep = sleep(words, 0, 0).then(() => {
      woken = true
    })
    Atomics.notify(words, 0)
    await Promise.resolve()
    expect(woken).toBe(false)
    await asleep
    expect(woken).toBe(true)
  })

  const run = (script: string, ...options: string[]) =>
    spawnSync(process.execPath, [...options, '--input-type=module', '--eval', script], { encoding: 'utf8' })
  const raw = 'const w = new Int32Array(new SharedArrayBuffer(4)); const p = Atomics.waitAsync(w, 0, 0, 300).value'

  test('does not keep a process alive, even with a time-out; a wait of ours does', () => {
    const { status, stdout } = run(`${raw}; p.then(() => console.log('woken'))`)
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' })
    expect(run(`${raw}; await p`).status).toBe(13)
    const script = `import { AutoResetEvent, Barrier, Latch, ManualResetEvent, Semaphore } from '@heddle/sync-primitives'
      const options = { timeout: 30 }
      console.log(await new AutoResetEvent().wait(options), await new ManualResetEvent().wait(options))
      console.log(await new Latch(1).wait(options))
      for (const wait of [new Barrier(2).wait(options), new Semaphore(0).acquire(2, options)])
        await wait.catch(({ code }) => console.log(code))`
    const ours = run(script)
    expect(ours).toMatchObject({ status: 0, stderr: '', stdout: 'false false\nfalse\nERR_TIMEOUT\nERR_TIMEOUT\n' })
  })
})
