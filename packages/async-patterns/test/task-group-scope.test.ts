import { TaskGroup } from '@heddle/async-patterns'
import { describe, expect, jest, test } from '@jest/globals'
import { drain, observe, rejectionOf } from './support/observe.js'

interface Context {
  readonly signal: AbortSignal
}

/** Ends some turns after its signal aborts, with its reason; says so to `ends`. */
function untilAborted(ends: string[] = [], name = 'task') {
  return async ({ signal }: Context): Promise<never> => {
    try {
      return await new Promise<never>((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason))
      })
    } finally {
      await drain()
      ends.push(name)
    }
  }
}

const fail = (error: unknown) => async (): Promise<never> => {
  await drain()
  throw error
}

describe('a scope whose body succeeds', () => {
  test('resolves with its result, and not before the tasks have ended', async () => {
    let finish = (): void => undefined
    const scope = observe(
      TaskGroup.scope((group) => {
        void group.run(
          () =>
            new Promise<void>((resolve) => {
              finish = resolve
            }),
        )
        return 'early'
      }),
    )
    await drain()
    expect(scope.state).toBe('pending')
    finish()
    await drain()
    expect(scope).toMatchObject({ state: 'fulfilled', value: 'early' })
  })

  test('lets tasks add tasks while it waits for them, nobody is left behind', async () => {
    const ends: number[] = []
    await TaskGroup.scope((group) => {
      const grow = (depth: number) => async (): Promise<void> => {
        await drain()
        if (depth < 5) for (let i = 0; i < 2; i++) void group.run(grow(depth + 1))
        ends.push(depth)
      }
      void group.run(grow(0))
    })
    expect(ends).toHaveLength(2 ** 6 - 1)
  })

  test('rejects with the errors of its tasks, be they from before or after its end', async () => {
    const error = await rejectionOf(
      TaskGroup.scope(async (group) => {
        void group.run(fail('before'))
        await drain()
        await drain()
        return 'result'
      }),
    )
    expect(error).toMatchObject({ name: 'AggregateError', errors: ['before'] })
    const later = TaskGroup.scope((group) => {
      void group.run(fail('after'))
    })
    await expect(later).rejects.toMatchObject({ errors: ['after'] })
  })

  test('resolves when it has cancelled its tasks itself', async () => {
    const ends: string[] = []
    const result = await TaskGroup.scope((group) => {
      void group.run(untilAborted(ends))
      group.cancel()
      return 'enough'
    })
    expect([result, ends]).toEqual(['enough', ['task']])
  })
})

describe('a scope whose body fails', () => {
  test('cancels the tasks, waits for them, and rejects with the error as itself', async () => {
    const ends: string[] = []
    const failure = new Error('of the body')
    const never = jest.fn()
    const scope = TaskGroup.scope(
      (group) => {
        void group.run(untilAborted(ends))
        void group.run(never)
        throw failure
      },
      { maxConcurrent: 1 },
    )
    expect(await rejectionOf(scope)).toBe(failure)
    expect(ends).toEqual(['task'])
    expect(never).not.toHaveBeenCalled()
  })

  test('rejects with all errors, that of the body first, whoever failed first', async () => {
    for (const isBodyFirst of [true, false]) {
      const scope = TaskGroup.scope(async (group) => {
        void group.run(async (context) => {
          if (isBodyFirst) await rejectionOf(untilAborted()(context))
          throw 'task'
        })
        if (!isBodyFirst) await drain()
        throw 'body'
      })
      const error = (await rejectionOf(scope)) as AggregateError
      expect(error).toMatchObject({ name: 'AggregateError', errors: ['body', 'task'], cause: 'body' })
    }
  })

  test('since it awaits a task that fails names that error once', async () => {
    const failure = new Error('of the task')
    const error = await rejectionOf(TaskGroup.scope((group) => group.run(fail(failure))))
    expect((error as AggregateError).errors).toEqual([failure])
  })

  test('since it awaits a task whose clean-up fails names that error once', async () => {
    const scope = TaskGroup.scope(async (group) => {
      const cleaning = group.run(async (context) => {
        await rejectionOf(untilAborted()(context))
        throw 'clean-up'
      })
      void group.run(fail('first'))
      await cleaning
    })
    await expect(scope).rejects.toMatchObject({ errors: ['first', 'clean-up'] })
  })

  test('since a task has failed, by its cancellation or by adding one more, names only what has failed', async () => {
    const bodies = [
      (group: TaskGroup) => untilAborted()({ signal: group.signal }),
      async (group: TaskGroup) => {
        for (;;) await group.run(drain)
      },
    ]
    for (const body of bodies) {
      const error = await rejectionOf(
        TaskGroup.scope((group) => {
          void group.run(fail('failed'))
          return body(group)
        }),
      )
      expect(error).toMatchObject({ errors: ['failed'] })
    }
  })

  test('since it has cancelled the group and then asks for more, rejects with what it threw', async () => {
    const scope = TaskGroup.scope(async (group) => {
      group.cancel('enough')
      await group.run(() => 1)
    })
    expect(await rejectionOf(scope)).toMatchObject({ code: 'ERR_CLOSED', cause: 'enough' })
  })

  test('with undefined rejects with undefined', async () => {
    expect(await rejectionOf(TaskGroup.scope(() => Promise.reject(undefined)))).toBeUndefined()
  })
})

describe('a scope that is ended from outside', () => {
  test('rejects with the reason of the signal as given, whether or not its body looks', async () => {
    const reason = { why: 'enough' }
    const bodies = [
      () => 'done',
      (group: TaskGroup) => untilAborted()({ signal: group.signal }),
      (group: TaskGroup) => group.run(untilAborted()),
      async (group: TaskGroup) => {
        for (;;) await group.run(drain)
      },
      async (group: TaskGroup) => {
        await rejectionOf(untilAborted()({ signal: group.signal }))
        throw new DOMException('as fetch does', 'AbortError')
      },
    ]
    for (const body of bodies) {
      const controller = new AbortController()
      const ends: string[] = []
      const scope = TaskGroup.scope(
        async (group) => {
          void group.run(untilAborted(ends))
          return await body(group)
        },
        { signal: controller.signal },
      )
      await drain()
      controller.abort(reason)
      expect(await rejectionOf(scope)).toBe(reason)
      expect(ends).toEqual(['task'])
    }
  })

  test('rejects with the TimeoutError of its time, after clean-ups', async () => {
    const ends: string[] = []
    const scope = TaskGroup.scope((group) => group.run(untilAborted(ends)), { timeout: 5 })
    expect(await rejectionOf(scope)).toMatchObject({ name: 'TimeoutError', code: 'ERR_TIMEOUT' })
    expect(ends).toEqual(['task'])
  })

  test.each([
    [['body', 'clean-up'], 'clean-up'],
    ['body', undefined],
  ])('still names what its body and its clean-ups throw: %j', async (expected, cleanUp) => {
    const controller = new AbortController()
    const scope = TaskGroup.scope(
      async (group) => {
        void group.run(async (context) => {
          await rejectionOf(untilAborted()(context))
          if (cleanUp !== undefined) throw cleanUp
        })
        await rejectionOf(untilAborted()({ signal: group.signal }))
        throw 'body'
      },
      { signal: controller.signal },
    )
    await drain()
    controller.abort('enough')
    const error = await rejectionOf(scope)
    expect(error instanceof AggregateError ? error.errors : error).toEqual(expected)
  })
})

describe('groups within groups', () => {
  /** Two inner groups of two tasks in an outer one; `failing` is run in the first. */
  function nested(ends: string[], failing: (context: Context) => unknown) {
    return TaskGroup.scope((outer) => {
      for (const name of ['a', 'b'])
        void outer.run(({ signal }) =>
          TaskGroup.scope(
            (inner) => {
              void inner.run(untilAborted(ends, `${name}1`))
              void inner.run(name === 'a' ? failing : untilAborted(ends, `${name}2`))
            },
            { signal },
          ),
        )
    })
  }

  test('an error goes outwards and ends all, inner clean-ups first', async () => {
    const ends: string[] = []
    const error = (await rejectionOf(nested(ends, fail('deep')))) as AggregateError
    expect(error.errors).toMatchObject([{ name: 'AggregateError', errors: ['deep'] }])
    expect(ends.sort()).toEqual(['a1', 'b1', 'b2'])
  })

  test('the cancellation of the outer one ends the inner ones, and is no failure', async () => {
    const ends: string[] = []
    const group = new TaskGroup()
    void group.run(({ signal }) => TaskGroup.scope((inner) => void inner.run(untilAborted(ends, 'inner')), { signal }))
    group.cancel()
    await expect(group.join()).resolves.toBeUndefined()
    expect(ends).toEqual(['inner'])
  })
})

describe('join', () => {
  test('called twice, at the same time and later, tells the same each time', async () => {
    for (const failure of [undefined, 'failed']) {
      const group = new TaskGroup()
      void group.run(failure === undefined ? drain : fail(failure))
      const expected = failure === undefined ? { status: 'fulfilled' } : { reason: { errors: [failure] } }
      const together = await Promise.allSettled([group.join(), group.join()])
      const later = await Promise.allSettled([group.join()])
      expect([...together, ...later]).toMatchObject([expected, expected, expected])
    }
  })

  test('is what await using does at the end of its block', async () => {
    const ends: string[] = []
    const block = async () => {
      await using group = new TaskGroup()
      void group.run(async () => {
        await drain()
        ends.push('task')
      })
      ends.push('block')
    }
    await block()
    expect(ends).toEqual(['block', 'task'])
    const failing = async () => {
      await using group = new TaskGroup()
      void group.run(fail('failed'))
    }
    await expect(failing()).rejects.toMatchObject({ errors: ['failed'] })
  })
})
