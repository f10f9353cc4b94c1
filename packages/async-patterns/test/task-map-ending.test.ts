import { getEventListeners } from 'node:events'
import { afterEach, describe, expect, test } from '@jest/globals'
import { drain, observe, rejectionOf } from './support/observe.js'
import { endAll, HeldTasks, managerWith } from './verify/held-tasks.ts'

afterEach(endAll)

const closed = { name: 'ClosedError', code: 'ERR_CLOSED' }
const over = { done: true, value: undefined }
const listenersOf = (signal: AbortSignal) => getEventListeners(signal, 'abort').length

/** A map of held tasks over an endless input: item 0, item 1 and so on. */
function heldMap(
  options: Parameters<typeof managerWith>[0],
  more?: { concurrency?: number; timeout?: number; signal?: AbortSignal },
) {
  const manager = managerWith(options)
  const held = new HeldTasks()
  const input = { closed: 0, pulled: 0 }
  function* items() {
    try {
      for (;;) yield String(input.pulled++)
    } finally {
      input.closed += 1
    }
  }
  const results = manager.map((name: string, context) => held.task(name)(context), items(), more)
  return { manager, held, input, results }
}

describe('whoever stops asking', () => {
  test('by break aborts what is under way, closes the input, and keeps the places until the bodies have ended', async () => {
    const { manager, held, input, results } = heldMap({ maxConcurrent: 3 })
    const first = (async () => {
      for await (const result of results) return result
      return undefined
    })()
    await drain()
    held.end('0')
    expect(await first).toBe('0')
    expect([input.closed, held.begun]).toEqual([1, ['0', '1', '2']])
    expect(held.signal('1').reason).toMatchObject({ name: 'AbortError' })
    expect(manager.stats()).toMatchObject({ running: 2, cancelled: 2, succeeded: 1 })
    held.end('1')
    held.fail('2', new Error('of the clean-up'))
    await manager.onIdle()
    expect(manager.stats()).toMatchObject({ running: 0, cancelled: 2, failed: 0, succeeded: 1, abandoned: 0 })
    expect(await results.next()).toEqual(over)
  })

  test('abandons bodies that do not end within abortGrace, and frees each place once', async () => {
    const { manager, held, results } = heldMap({ maxConcurrent: 2, abortGrace: 5 })
    void results.next().catch(() => undefined)
    await results.return()
    await manager.onIdle()
    expect(manager.stats()).toMatchObject({ running: 0, cancelled: 2, abandoned: 2 })
    held.end('0', '1')
    await drain()
    const more = new HeldTasks()
    for (const name of ['a', 'b', 'c']) void manager.run(more.task(name))
    await drain()
    expect([more.begun, manager.stats().running]).toEqual([['a', 'b'], 2])
  })

  test('before the first result: return() closes the input, and readers are told that it is over', async () => {
    const { input, results } = heldMap({})
    const next = results.next()
    expect(await results.return()).toEqual(over)
    expect([await next, input.closed]).toEqual([over, 1])
    expect(await results.return()).toEqual(over)
  })

  test('during toArray makes that reject: an array with some of the results is none of all', async () => {
    const { held, results } = heldMap({})
    const all = rejectionOf(results.toArray())
    await drain()
    held.end('1')
    await drain()
    await results.return()
    expect(await all).toMatchObject({ name: 'AbortError' })
  })

  test('is not held up by an input that never answers, and closes it', async () => {
    let closes = 0
    const never = {
      next: () => new Promise<never>(() => undefined),
      return: async () => ({ done: true, value: ++closes }) as never,
    }
    const manager = managerWith()
    const results = manager.map((n: number) => n, { [Symbol.asyncIterator]: () => never })
    const next = observe(results.next())
    await drain()
    expect(await results.return()).toEqual(over)
    await drain()
    expect([next.value, closes, manager.stats().running]).toEqual([over, 1, 0])
  })

  test('is told what the close of the input fails with; if there is an error already, it is not', async () => {
    const problem = new Error('of the close')
    const unhandled: unknown[] = []
    const note = (reason: unknown) => unhandled.push(reason)
    process.on('unhandledRejection', note)
    const input = () => ({
      [Symbol.iterator]: () => ({
        next: () => ({ done: false, value: 1 }),
        return: () => {
          throw problem
        },
      }),
    })
    const manager = managerWith()
    const left = manager.map((n: number) => n, input())
    await left.next()
    expect(await rejectionOf(left.return())).toBe(problem)
    const failing = manager.map(() => Promise.reject('mine'), input())
    expect(await rejectionOf(failing.next())).toBe('mine')
    const ended = manager.map(() => new Promise(() => undefined), input())
    const next = rejectionOf(ended.next())
    await drain()
    void manager.terminate()
    expect(await next).toMatchObject(closed)
    await drain()
    process.off('unhandledRejection', note)
    expect(unhandled).toEqual([])
  })
})

describe('a signal', () => {
  test('that aborts: readers get the reason, items abort, the input is closed, no listener stays', async () => {
    const controller = new AbortController()
    const { signal } = controller
    const { manager, held, input, results } = heldMap({ maxConcurrent: 2, abortGrace: 0 }, { signal })
    expect(listenersOf(signal)).toBe(0)
    const next = observe(results.next())
    await drain()
    expect(listenersOf(signal)).toBe(1)
    controller.abort(null)
    expect([held.signal('0').aborted, listenersOf(signal)]).toEqual([true, 0])
    await drain()
    expect([next.state, next.reason, input.closed]).toEqual(['rejected', null, 1])
    expect(await results.next()).toEqual(over)
    await manager.onIdle()
    expect(manager.stats()).toMatchObject({ cancelled: 2, abandoned: 2 })
  })

  test('that has aborted before the first ask: nothing is pulled, and the reason is told', async () => {
    for (const signal of [AbortSignal.abort('before'), undefined]) {
      const controller = new AbortController()
      const { held, input, results } = heldMap({}, { signal: signal ?? controller.signal })
      controller.abort('before')
      expect(await rejectionOf(results.toArray())).toBe('before')
      expect([held.begun, input.pulled, await results.next()]).toEqual([[], 0, over])
    }
  })

  test('of a map that has ended is forgotten, and its items are not aborted afterwards', async () => {
    const controller = new AbortController()
    const manager = managerWith()
    const signals = await manager.map((_, { signal }) => signal, [1, 2], { signal: controller.signal }).toArray()
    expect(listenersOf(controller.signal)).toBe(0)
    controller.abort()
    expect(signals.map(({ aborted }) => aborted)).toEqual([false, false])
  })
})

describe('timeout', () => {
  test('holds for each item: the error comes in its place, and the signal of that item aborts', async () => {
    const { manager, held, results } = heldMap({ maxConcurrent: 2 }, { timeout: 10 })
    const all = [observe(results.next()), observe(results.next())]
    const begun = performance.now()
    held.end('0')
    await manager.onIdle({ timeout: 50 }).catch(() => undefined)
    expect(all).toMatchObject([{ value: { value: '0' } }, { reason: { code: 'ERR_TIMEOUT' } }])
    expect(performance.now() - begun).toBeGreaterThanOrEqual(10)
    expect(held.signal('0').aborted).toBe(false)
    expect(held.signal('1').reason).toBe(all[1]?.reason)
    expect(manager.stats()).toMatchObject({ timedOut: 1, succeeded: 1 })
  })

  test('frees the place after abortGrace, though nobody asks for the error yet', async () => {
    const { manager, held, results } = heldMap({ maxConcurrent: 2, abortGrace: 5 }, { timeout: 10 })
    const first = results.next()
    await drain()
    held.end('0')
    expect((await first).value).toBe('0')
    await manager.onIdle()
    expect(manager.stats()).toMatchObject({ running: 0, timedOut: 1, abandoned: 1, succeeded: 1 })
    held.end('1')
    await drain()
    expect(manager.stats()).toMatchObject({ running: 0, succeeded: 1 })
    expect(await rejectionOf(results.next())).toMatchObject({ code: 'ERR_TIMEOUT' })
    expect(await results.next()).toEqual(over)
  })
})

describe('the end of the manager', () => {
  test('drain: what was pulled is given, then ERR_CLOSED in the place of the next; the input is closed', async () => {
    const { manager, held, input, results } = heldMap({ maxConcurrent: 2 })
    const all = [results.next(), results.next(), rejectionOf(results.next())]
    await drain()
    const drained = observe(manager.drain())
    held.end('0', '1')
    expect(await Promise.all(all)).toMatchObject([{ value: '0' }, { value: '1' }, closed])
    await drain()
    expect([drained.state, input.closed, held.begun.length]).toEqual(['fulfilled', 1, 2])
    expect(await results.next()).toEqual(over)
  })

  test.each(['drain', 'terminate'] as const)(
    '%s before the first ask: the first ask is told, nothing is pulled',
    async (way) => {
      const { manager, input, results } = heldMap({})
      await manager[way]()
      expect(await rejectionOf(results.next())).toMatchObject(closed)
      expect([input.pulled, await results.next()]).toEqual([0, over])
    },
  )

  test('drain while an input does not answer: whoever waits for it is told', async () => {
    const manager = managerWith()
    const never = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => undefined) }) }
    const all = rejectionOf(manager.map((n: number) => n, never).toArray())
    await drain()
    await manager.drain()
    expect(await all).toMatchObject(closed)
  })

  test('terminate: all maps end, what is under way is aborted, and it resolves when the bodies have ended', async () => {
    const { manager, held, results } = heldMap({ maxConcurrent: 2 })
    const next = rejectionOf(results.next())
    const terminated = observe(manager.terminate('the end'))
    expect(await next).toMatchObject({ ...closed, cause: 'the end' })
    expect([held.signal('0').aborted, terminated.state]).toEqual([true, 'pending'])
    held.end('0', '1')
    await drain()
    expect(terminated.state).toBe('fulfilled')
  })
})
