import { TaskGroup, type TaskGroupOptions } from '@heddle/async-patterns'
import { afterEach, describe, expect, jest, test } from '@jest/globals'
import { drain, observe, rejectionOf } from './support/observe.js'
import { timersLeft } from './support/timers-left.ts'

afterEach(() => {
  jest.useRealTimers()
})

/** A task that is ended from outside: by its signal, after a clean-up of one turn, or by the promise's own functions. */
function newTask<Result = string>() {
  let resolve: (result: Result) => void = () => undefined
  let reject: (error: unknown) => void = () => undefined
  const state = { begun: false, ended: false }
  const body = async ({ signal }: { signal: AbortSignal }): Promise<Result> => {
    state.begun = true
    try {
      return await new Promise<Result>((yes, no) => {
        resolve = yes
        reject = no
        signal.addEventListener('abort', () => no(signal.reason))
      })
    } finally {
      await drain()
      state.ended = true
    }
  }
  return { state, body, resolve: (result: Result) => resolve(result), reject: (error: unknown) => reject(error) }
}

// A1
describe('a task that fails', () => {
  test('cancels the others, and join rejects only after they have ended', async () => {
    const group = new TaskGroup()
    const [first, second] = [newTask(), newTask()]
    const promises = [group.run(first.body), group.run(second.body)]
    const failure = new Error('first')
    first.reject(failure)
    const error = (await rejectionOf(group.join())) as AggregateError
    expect([first.state.ended, second.state.ended]).toEqual([true, true])
    expect([error.name, error.errors, error.cause]).toEqual(['AggregateError', [failure], failure])
    expect(await Promise.allSettled(promises)).toEqual([
      { status: 'rejected', reason: failure },
      { status: 'rejected', reason: failure },
    ])
  })

  test('keeps all others from beginning: they reject with its error', async () => {
    const group = new TaskGroup({ maxConcurrent: 1 })
    const first = newTask()
    const later = [newTask(), newTask()]
    void group.run(first.body)
    const promises = later.map(({ body }) => group.run(body))
    expect([group.running, group.waiting]).toEqual([1, 2])
    first.reject('enough')
    expect(await Promise.all(promises.map(rejectionOf))).toEqual(['enough', 'enough'])
    await rejectionOf(group.join())
    expect(later.map(({ state }) => state.begun)).toEqual([false, false])
    expect([group.running, group.waiting]).toEqual([0, 0])
  })

  test('loses no error: those of clean-ups are thrown with it, in the order they came', async () => {
    const group = new TaskGroup()
    const failures = ['first', 'clean-up 1', 'clean-up 2'].map((message) => new Error(message))
    const first = newTask()
    void group.run(first.body)
    for (const failure of failures.slice(1))
      void group.run(async (context) => {
        await newTask()
          .body(context)
          .catch(() => undefined)
        throw failure
      })
    void group.run(newTask().body)
    first.reject(failures[0])
    const error = (await rejectionOf(group.join())) as AggregateError
    expect(error.errors).toEqual(failures)
    expect(error.cause).toBe(failures[0])
  })

  test('by throwing at once does the same as by rejecting', async () => {
    const group = new TaskGroup({ maxConcurrent: 1 })
    const promise = group.run(() => {
      throw new Error('at once')
    })
    expect(group.signal.aborted).toBe(true)
    await expect(promise).rejects.toThrow('at once')
    await expect(group.join()).rejects.toMatchObject({ errors: [new Error('at once')] })
  })

  test('with undefined is still a failure', async () => {
    const group = new TaskGroup()
    void group.run(() => Promise.reject(undefined))
    void group.run(newTask().body)
    await expect(group.join()).rejects.toMatchObject({ errors: [undefined] })
  })

  test('with an AbortError of its own, while nobody has cancelled, is a failure', async () => {
    const group = new TaskGroup()
    const own = new DOMException('of its own', 'AbortError')
    void group.run(() => Promise.reject(own))
    await expect(group.join()).rejects.toMatchObject({ errors: [own] })
  })
})

// A2
describe('a group takes no task', () => {
  const refused = { name: 'ClosedError', code: 'ERR_CLOSED' }

  test('after a task has failed: the error says why', async () => {
    const group = new TaskGroup()
    const failure = new Error('before')
    await rejectionOf(group.run(() => Promise.reject(failure)))
    const ran = jest.fn()
    expect(await rejectionOf(group.run(ran))).toMatchObject({ ...refused, cause: failure })
    expect(await rejectionOf(group.tryRun(ran) as Promise<unknown>)).toMatchObject({ ...refused, cause: failure })
    expect(ran).not.toHaveBeenCalled()
    await rejectionOf(group.join())
  })

  test('after it was joined', async () => {
    const group = new TaskGroup({ maxConcurrent: 1 })
    await group.join()
    const error = await rejectionOf(group.run(() => 1))
    expect(error).toMatchObject(refused)
    expect(error).not.toHaveProperty('cause')
    expect(await rejectionOf(group.tryRun(() => 1) as Promise<unknown>)).toMatchObject(refused)
  })

  test('from the end of its last task on, so that join never leaves one running', async () => {
    const group = new TaskGroup()
    const late = jest.fn()
    const last = group.run(() => drain())
    const refusal = rejectionOf(last.then(() => group.run(late)))
    await group.join()
    expect(await refusal).toMatchObject(refused)
    expect(late).not.toHaveBeenCalled()
  })

  test('unless it is added before that is noticed: then join waits for it as well', async () => {
    const group = new TaskGroup()
    const ends: string[] = []
    const late = async () => {
      await drain()
      ends.push('late')
    }
    void group.run(async () => {
      await drain()
      // Runs in the step between the end of the task and that of join.
      void Promise.resolve()
        .then(() => undefined)
        .then(() => group.run(late))
    })
    await group.join()
    expect(ends).toEqual(['late'])
    expect(group.running).toBe(0)
  })

  test('from a listener that hears of the cancellation, be it on the outer signal or on the own', async () => {
    for (const which of ['outer', 'own'] as const) {
      const controller = new AbortController()
      const late = jest.fn()
      const refusals: Promise<unknown>[] = []
      const addLate = () => void refusals.push(rejectionOf(group.run(late)))
      // It is told before the group is.
      if (which === 'outer') controller.signal.addEventListener('abort', addLate)
      const group = new TaskGroup({ signal: controller.signal })
      if (which === 'own') group.signal.addEventListener('abort', addLate)
      controller.abort('stop')
      expect(await Promise.all(refusals)).toMatchObject([{ ...refused, cause: 'stop' }])
      expect(late).not.toHaveBeenCalled()
      expect(await rejectionOf(group.join())).toBe('stop')
    }
  })

  test('that is none, and changes nothing then', async () => {
    const group = new TaskGroup()
    const wrong = { name: 'TypeError', code: 'ERR_INVALID_ARG' }
    expect(() => group.run('task' as never)).toThrow(expect.objectContaining(wrong))
    expect(() => group.tryRun(undefined as never)).toThrow(expect.objectContaining(wrong))
    expect(await rejectionOf(TaskGroup.scope(null as never))).toMatchObject(wrong)
    expect([group.running, group.signal.aborted]).toEqual([0, false])
    expect(await group.run(() => 'still good')).toBe('still good')
    await group.join()
  })
})

// A4
describe('a limit of 3', () => {
  test('is never exceeded, is used, and tasks begin in their order', async () => {
    const group = new TaskGroup({ maxConcurrent: 3 })
    const begun: number[] = []
    let active = 0
    let most = 0
    const results = Array.from({ length: 30 }, (_, i) =>
      group.run(async () => {
        begun.push(i)
        active += 1
        most = Math.max(most, active)
        for (let turns = (i * 7) % 4; turns > 0; turns--) await drain()
        active -= 1
        return i
      }),
    )
    await group.join()
    const all = Array.from({ length: 30 }, (_, i) => i)
    expect([begun, await Promise.all(results)]).toEqual([all, all])
    expect(most).toBe(3)
  })

  test('has tryRun refuse a fourth, and take it when there is room', async () => {
    const group = new TaskGroup({ maxConcurrent: 3 })
    const tasks = [newTask(), newTask(), newTask()]
    const promises = tasks.map(({ body }) => group.tryRun(body))
    const fourth = jest.fn(() => 'fourth')
    expect(group.tryRun(fourth)).toBeUndefined()
    expect([group.running, group.waiting]).toEqual([3, 0])
    tasks[1]?.resolve('done')
    expect(await promises[1]).toBe('done')
    expect(fourth).not.toHaveBeenCalled()
    expect(await group.tryRun(fourth)).toBe('fourth')
    for (const { resolve } of tasks) resolve('done')
    await group.join()
  })

  test('is kept while the place of one passes to the next', async () => {
    const group = new TaskGroup({ maxConcurrent: 1 })
    const [first, second] = [newTask(), newTask()]
    void group.run(first.body)
    void group.run(second.body)
    expect(group.tryRun(() => 1)).toBeUndefined()
    first.resolve('done')
    await drain()
    await drain()
    expect([second.state.begun, group.running, group.waiting]).toEqual([true, 1, 0])
    expect(group.tryRun(() => 1)).toBeUndefined()
    second.resolve('done')
    await group.join()
  })
})

describe('results', () => {
  test('are those of the tasks, plain or awaited', async () => {
    const group = new TaskGroup()
    const promises = [group.run(() => 1), group.run(async () => 2)]
    expect(await Promise.all(promises)).toEqual([1, 2])
    await expect(group.join()).resolves.toBeUndefined()
  })

  test('of tasks that look at their signal: each has its own, and nothing with which to abort it', async () => {
    const group = new TaskGroup()
    const contexts = await Promise.all([group.run((context) => context), group.run((context) => context)])
    expect(contexts[0]?.signal).toBe(contexts[0]?.signal)
    expect(contexts[0]?.signal).not.toBe(contexts[1]?.signal)
    expect(contexts.map((context) => 'abort' in context)).toEqual([false, false])
    await group.join()
  })

  test('a promise that nobody looks at is pending as long as its task is', async () => {
    const group = new TaskGroup()
    const task = newTask()
    const seen = observe(group.run(task.body))
    await drain()
    expect(seen.state).toBe('pending')
    task.resolve('now')
    await group.join()
    expect(seen).toMatchObject({ state: 'fulfilled', value: 'now' })
  })
})

describe('no group is made with', () => {
  const wrongKind = { name: 'TypeError', code: 'ERR_INVALID_ARG' }
  const wrongValue = { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' }
  test.each<[unknown, object]>([
    [{ maxConcurrent: 0 }, wrongValue],
    [{ maxConcurrent: 1.5 }, wrongValue],
    [{ maxConcurrent: '2' }, wrongKind],
    [{ timeout: -1 }, wrongValue],
    [{ timeout: Number.NaN }, wrongValue],
    [{ timeout: '5' }, wrongKind],
    [{ signal: new AbortController() }, wrongKind],
    [null, wrongKind],
    [7, wrongKind],
  ])('%p', async (options, error) => {
    jest.useFakeTimers()
    expect(() => new TaskGroup(options as TaskGroupOptions)).toThrow(expect.objectContaining(error))
    expect(await rejectionOf(TaskGroup.scope(() => 1, options as TaskGroupOptions))).toMatchObject(error)
    expect(await timersLeft()).toBe(0)
  })
})
