import { type Executor, PoolManager } from '@heddle/pool-core'
import { type ExecutorFixture, executorCases } from '@heddle/pool-core/conformance'
import { describe, expect, test } from '@jest/globals'
import { thisThread } from '../examples/this-thread.ts'
import { rejectionOf, thrownBy, until } from './support/observe.js'

const traits = { isolated: false, endsLoops: false }
const create: ExecutorFixture['create'] = ({ concurrency, maxResults }) =>
  new PoolManager(thisThread, { maxWorkers: concurrency, maxResults })

describe('a pool over this thread', () => {
  test.each(executorCases({ create, traits }))(
    '$name',
    async ({ run }) => {
      expect(await run()).toBeUndefined()
    },
    50_000,
  )
})

/** Executors of which one thing is wrong, and the cases that tell. */
const faults: Record<string, { readonly faulty: (sound: Executor) => Partial<Executor>; readonly told: string[] }> = {
  'runs a task with one argument less': {
    faulty: (sound) => ({
      run: (task, args, options) => sound.run(task, args.slice(0, -1) as unknown as typeof args, options),
    }),
    told: ['run: a task gets', 'misuse: what is no task'],
  },
  'gives every error as a plain one': {
    faulty: (sound) => ({
      run: (...call) =>
        sound.run(...call).catch((error: unknown) => {
          throw new Error(String(error))
        }),
    }),
    told: [
      'errors: a built-in error',
      'errors: one of an own class',
      'signal: a queued task',
      'misuse: bad options of run',
    ],
  },
  'knows no priority': {
    faulty: (sound) => ({ run: (task, args, options) => sound.run(task, args, { ...options, priority: 0 }) }),
    told: ['priority: of those'],
  },
  'counts a timeout from the submission': {
    faulty: (sound) => ({
      run: (task, args, options) =>
        new Promise((resolve, reject) => {
          const { timeout } = options ?? {}
          if (timeout && Number.isFinite(timeout))
            setTimeout(() => reject(Object.assign(new Error(), { name: 'TimeoutError', code: 'ERR_TIMEOUT' })), timeout)
          sound.run(task, args, options).then(resolve, reject)
        }),
    }),
    told: ['timeout: it counts'],
  },
  'waits too short a time': {
    faulty: (sound) => ({
      getTaskResult: (id, { timeout, signal } = {}) =>
        sound.getTaskResult(id, { timeout: timeout === undefined ? timeout : timeout / 2, signal }),
    }),
    told: ['getTaskResult: a wait that times out'],
  },
  'keeps a listener': {
    faulty: (sound) => ({
      onIdle: (options) => {
        options?.signal?.addEventListener('abort', () => undefined)
        return sound.onIdle(options)
      },
    }),
    told: ['onIdle: timeout and signal'],
  },
  'gives results again': {
    faulty: (sound) => {
      const given = new Map<string, Promise<unknown>>()
      return {
        getTaskResult(id, options) {
          const result = given.get(id) ?? sound.getTaskResult(id, options)
          result.then(
            () => given.set(id, result),
            () => undefined,
          )
          return result
        },
      }
    },
    told: ['getTaskResult: a result is taken once'],
  },
  'gives rows from the last to the first': {
    faulty: (sound) => ({
      waitForAllTasks: async (options) => new Map([...(await sound.waitForAllTasks(options))].reverse()),
    }),
    told: ['waitForAllTasks: a row for each', 'waitForAllTasks: one deadline', 'pause: tasks are taken on'],
  },
  'cancels everything': {
    faulty: (sound) => ({
      cancelTask(id, reason) {
        sound.cancelTask(id, reason)
        return true
      },
    }),
    told: ['cancelTask: nothing is there'],
  },
  'pulls all items of a map at once': {
    faulty: (sound) => ({
      map: (task, items, options) =>
        sound.map(task, Symbol.iterator in items && !Array.isArray(items) ? [...take(1_000, items)] : items, options),
    }),
    told: ['map: nothing is pulled', 'misuse: bad options of map'],
  },
  'gives the results of a map as they come': {
    faulty: (sound) => ({ map: (task, items, options) => sound.map(task, items, { ...options, ordered: false }) }),
    told: ['map: results come in the order', 'misuse: bad options of map'],
  },
  'leaves the input of a map open': {
    faulty: (sound) => ({
      map(task, items, options) {
        if (!(Symbol.iterator in items)) return sound.map(task, items, options)
        const iterator = items[Symbol.iterator]()
        return sound.map(task, { [Symbol.iterator]: () => ({ next: () => iterator.next() }) }, options)
      },
    }),
    told: ['map: whoever leaves early', 'misuse: what cannot be iterated'],
  },
  'is always idle': { faulty: () => ({ onIdle: async () => undefined }), told: ['onIdle: timeout and signal'] },
  'counts wrong': {
    faulty: (sound) => ({ stats: () => ({ ...sound.stats(), cancelled: 0 }) }),
    told: ['stats: each task'],
  },
  'cancels for a reason of its own': {
    faulty: (sound) => ({ cancelTask: (id) => sound.cancelTask(id) }),
    told: ['cancelTask: a queued task', 'cancelTask: a running task'],
  },
  'never pauses': { faulty: () => ({ pause: () => undefined }), told: ['pause: tasks are taken on'] },
  'drains without waiting': {
    faulty: (sound) => ({
      async drain() {
        void sound.drain()
      },
    }),
    told: ['drain: all that was accepted'],
  },
  'terminates without the reason': {
    faulty: (sound) => ({ terminate: () => sound.terminate() }),
    told: ['terminate: what is queued'],
  },
}

function* take<Item>(most: number, items: Iterable<Item>): Generator<Item> {
  let taken = 0
  for (const item of items) {
    taken += 1
    yield item
    if (taken === most) return
  }
}

/** The same executor but for what is overridden. */
function withFault(sound: Executor, overrides: Partial<Executor>): Executor {
  const get = (_: Executor, key: keyof Executor) => overrides[key] ?? sound[key].bind(sound)
  return new Proxy(sound, { get: get as ProxyHandler<Executor>['get'] & object })
}

describe('the suite tells of an executor that', () => {
  test.each(Object.entries(faults))('%s', async (_, { faulty, told }) => {
    const fixture: ExecutorFixture = {
      create(options) {
        const sound = create(options)
        return withFault(sound, faulty(sound))
      },
      traits,
    }
    const cases = executorCases(fixture).filter(({ name }) => told.some((start) => name.startsWith(start)))
    expect(cases).toHaveLength(told.length)
    for (const { run } of cases) expect(await rejectionOf(run())).toMatchObject({ code: 'ERR_ASSERTION' })
  })
})

test('an error that no claim expects is the cause of the AssertionError', async () => {
  const problem = new Error('no executor today')
  const [first] = executorCases({
    create() {
      throw problem
    },
    traits,
  })
  expect(await rejectionOf(first?.run() ?? Promise.resolve())).toMatchObject({ code: 'ERR_ASSERTION', cause: problem })
})

test('all executors that were made have ended when all cases have run, or a while after some have', async () => {
  const open = new Set<Executor>()
  const fixture: ExecutorFixture = {
    create(options) {
      const sound = create(options)
      const ended = (end: Promise<void>) => end.then(() => void open.delete(sound))
      open.add(sound)
      return withFault(sound, { terminate: (reason) => ended(sound.terminate(reason)) })
    },
    traits,
  }
  const cases = executorCases(fixture)
  for (const { run } of cases) await run()
  expect(open.size).toBe(0)
  await executorCases(fixture)[0]?.run()
  expect(open.size).toBe(1)
  await until(() => open.size === 0, 'the end of what is idle')
})

test('every case has a name of its own, and those that need a trait say so and are left out without it', () => {
  const namesWith = (isolated: boolean, endsLoops: boolean) =>
    executorCases({ create, traits: { isolated, endsLoops } }).map(({ name }) => name)
  const all = namesWith(true, true)
  expect(new Set(all).size).toBe(all.length)
  expect(namesWith(false, false)).toEqual(all.filter((name) => !/^(isolated|endsLoops): /.test(name)))
  expect(namesWith(true, false)).toEqual(all.filter((name) => !name.startsWith('endsLoops: ')))
  expect(namesWith(false, true)).toEqual(all.filter((name) => !name.startsWith('isolated: ')))
  expect(namesWith(false, false).length).toBeLessThan(namesWith(true, false).length)
})

test.each([undefined, null, 7, {}, { create }, { create, traits: null }, { create: 7, traits }])(
  'what is no fixture is refused: %p',
  (bad) => {
    const error = thrownBy(() => executorCases(bad as unknown as ExecutorFixture))
    expect([error.name, error.code]).toEqual(['TypeError', 'ERR_INVALID_ARG'])
  },
)
