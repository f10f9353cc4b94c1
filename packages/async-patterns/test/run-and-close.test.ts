import { AsyncLocalStorage } from 'node:async_hooks'
import { AsyncSemaphore } from '@heddle/async-patterns'
import { describe, expect, test } from '@jest/globals'
import { drain, observe, rejectionOf } from './support/observe.js'

describe('runExclusive', () => {
  // A4
  test('never lets more run than there are permits, and lets that many', async () => {
    const semaphore = new AsyncSemaphore(3)
    let running = 0
    let highest = 0
    let slipped = 0
    const job = async () => {
      running += 1
      highest = Math.max(highest, running)
      if (running === 3 && semaphore.tryAcquire() !== undefined) slipped += 1
      await drain()
      running -= 1
    }
    await Promise.all(Array.from({ length: 10 }, () => semaphore.runExclusive(job)))
    expect([highest, slipped, running, semaphore.availablePermits]).toEqual([3, 0, 0, 3])
  })

  test('gives its guard to the function and its result to the caller', async () => {
    const semaphore = new AsyncSemaphore(1)
    const seen = await semaphore.runExclusive((guard) => [guard.held, guard.permits, semaphore.availablePermits])
    expect(seen).toEqual([true, 1, 0])
    expect(semaphore.availablePermits).toBe(1)
  })

  test.each([
    [
      'throws',
      () => {
        throw new Error('of fn')
      },
    ],
    ['rejects', () => Promise.reject(new Error('of fn'))],
  ])('gives the permit back when the function %s, and passes its error on', async (_, fn: () => Promise<never>) => {
    const semaphore = new AsyncSemaphore(1)
    expect(await rejectionOf(semaphore.runExclusive(fn))).toEqual(new Error('of fn'))
    expect(semaphore.availablePermits).toBe(1)
  })

  test('leaves a permit alone that the function has detached', async () => {
    const semaphore = new AsyncSemaphore(1)
    await semaphore.runExclusive((guard) => guard.detach())
    expect(semaphore.availablePermits).toBe(0)
  })

  test('does not call the function when it acquires nothing', async () => {
    const semaphore = new AsyncSemaphore(0)
    let calls = 0
    const failure = await rejectionOf(semaphore.runExclusive(() => calls++, { timeout: 0 }))
    expect(failure).toMatchObject({ name: 'TimeoutError', code: 'ERR_TIMEOUT' })
    expect([calls, semaphore.waiting]).toEqual([0, 0])
  })
})

// S15
describe('close', () => {
  test('rejects all that wait at once, and all that come later, with the reason as cause', async () => {
    const semaphore = new AsyncSemaphore(1)
    await semaphore.acquire()
    const reason = new Error('shutting down')
    const pending = [semaphore.acquire(), semaphore.acquire(7), semaphore.acquire({ timeout: 60_000 })].map(rejectionOf)
    semaphore.close(reason)
    expect(semaphore.waiting).toBe(0)
    const later = [semaphore.acquire(), semaphore.runExclusive(() => 1), semaphore.acquire({ timeout: 0 })].map(
      rejectionOf,
    )
    for (const error of await Promise.all([...pending, ...later])) {
      expect(error).toMatchObject({ name: 'ClosedError', code: 'ERR_CLOSED' })
      expect((error as Error).cause).toBe(reason)
    }
    expect(() => semaphore.tryAcquire()).toThrow(expect.objectContaining({ code: 'ERR_CLOSED' }))
  })

  test('refuses also when permits are free', async () => {
    const semaphore = new AsyncSemaphore(3)
    semaphore.close()
    expect(await rejectionOf(semaphore.acquire())).toMatchObject({ code: 'ERR_CLOSED' })
    expect(semaphore.availablePermits).toBe(3)
  })

  test('leaves the permits that are out with their guards, which can release them', async () => {
    const semaphore = new AsyncSemaphore(3, { maxPermits: 3 })
    const guard = await semaphore.acquire(2)
    semaphore.close()
    expect(guard.held).toBe(true)
    guard.release()
    expect(semaphore.availablePermits).toBe(3)
    expect(() => semaphore.release()).toThrow(expect.objectContaining({ code: 'ERR_OVER_RELEASE' }))
  })

  test('leaves a permit with whom it was granted to in the same turn', async () => {
    const semaphore = new AsyncSemaphore(0)
    const granted = observe(semaphore.acquire())
    const waiting = observe(semaphore.acquire())
    semaphore.release()
    semaphore.close()
    await drain()
    expect([granted.state, waiting.state]).toEqual(['fulfilled', 'rejected'])
    granted.value?.release()
    expect(semaphore.availablePermits).toBe(1)
  })

  test('keeps the first reason, and has no cause without one', async () => {
    const withReason = new AsyncSemaphore(1)
    withReason.close('first')
    withReason.close('second')
    expect(((await rejectionOf(withReason.acquire())) as Error).cause).toBe('first')
    const without = new AsyncSemaphore(1)
    without.close()
    expect(await rejectionOf(without.acquire())).not.toHaveProperty('cause')
  })
})

test('a waiter goes on in the async context in which it asked', async () => {
  const context = new AsyncLocalStorage<string>()
  const semaphore = new AsyncSemaphore(1)
  const holder = await semaphore.acquire()
  const seen = ['a', 'b'].map((name) =>
    context.run(name, () => semaphore.runExclusive(() => Promise.resolve(context.getStore()))),
  )
  context.run('releasing', () => holder.release())
  expect(await Promise.all(seen)).toEqual(['a', 'b'])
})
