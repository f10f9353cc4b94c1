import { ThreadSafeQueue } from '@heddle/ipc-channels'
import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { microtasks, turnsOfTheLoop } from './support/until.js'

type Operation =
  | { readonly call: 'put' | 'get' | 'tryPut' | 'tryGet' | 'putSync' | 'getSync' | 'close' }
  | { readonly call: 'abort'; readonly which: number }

/** The obvious queue of one thread: whoever waits goes as soon as he can, in order. */
class NaiveQueue {
  readonly outcomes = new Map<number, unknown>()
  readonly #capacity: number
  readonly #items: number[] = []
  #putters: { id: number; item: number }[] = []
  #getters: number[] = []
  #closed = false
  #stats = { putCount: 0, getCount: 0, errors: 0 }

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  get state(): unknown {
    return { size: this.#items.length, stats: { ...this.#stats } }
  }

  /** Waiting forms leave their outcome under `id`, once they have one. */
  put(id: number, item: number): void {
    this.#putters.push({ id, item })
    this.#settle()
  }

  get(id: number): void {
    this.#getters.push(id)
    this.#settle()
  }

  tryPut(item: number): unknown {
    if (this.#closed) return 'ERR_CLOSED'
    if (this.#items.length === this.#capacity) return this.#fail()
    this.put(-1, item)
    return true
  }

  tryGet(): unknown {
    if (this.#items.length > 0) {
      this.get(-1)
      return this.outcomes.get(-1)
    }
    return this.#closed ? 'ERR_CLOSED' : this.#fail()
  }

  abort(id: number): void {
    const waits = this.#getters.includes(id) || this.#putters.some((putter) => putter.id === id)
    if (!waits) return
    this.#getters = this.#getters.filter((getter) => getter !== id)
    this.#putters = this.#putters.filter((putter) => putter.id !== id)
    this.outcomes.set(id, 'aborted')
  }

  close(): void {
    this.#closed = true
    this.#settle()
  }

  #fail(): false {
    this.#stats.errors += 1
    return false
  }

  #settle(): void {
    for (;;) {
      const [putter] = this.#putters
      const [getter] = this.#getters
      if (putter && this.#closed) {
        this.#putters.shift()
        this.outcomes.set(putter.id, 'ERR_CLOSED')
      } else if (putter && this.#items.length < this.#capacity) {
        this.#putters.shift()
        this.#items.push(putter.item)
        this.#stats.putCount += 1
        this.outcomes.set(putter.id, true)
      } else if (getter !== undefined && this.#items.length > 0) {
        this.#getters.shift()
        this.outcomes.set(getter, this.#items.shift())
        this.#stats.getCount += 1
      } else if (getter !== undefined && this.#closed) {
        this.#getters.shift()
        this.outcomes.set(getter, 'ERR_CLOSED')
      } else return
    }
  }
}

const codeOf = (error: unknown) => {
  const { code } = error as { code: unknown }
  return code === 'ERR_TIMEOUT' ? false : code
}

const attempt = (call: () => unknown): unknown => {
  try {
    return call()
  } catch (error) {
    return codeOf(error)
  }
}

const anyOperation: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({ call: fc.constantFrom('put', 'get', 'tryPut', 'tryGet', 'putSync', 'getSync') }),
  },
  { weight: 2, arbitrary: fc.record({ call: fc.constant('abort' as const), which: fc.nat(40) }) },
  { weight: 1, arbitrary: fc.constant({ call: 'close' as const }) },
)

/** Runs the operations on both; every answer and every state on the way must be the same. */
async function compare(capacity: number, operations: readonly Operation[], turns: readonly number[]): Promise<void> {
  const queue = new ThreadSafeQueue<number>({ capacity, capacityBytes: 256 })
  const naive = new NaiveQueue(capacity)
  const outcomes = new Map<number, unknown>()
  const controllers: AbortController[] = []
  const watch = (id: number, promise: Promise<unknown>) => {
    void promise.then(
      (value) => outcomes.set(id, value ?? true),
      (error: unknown) => outcomes.set(id, error === 'aborted' ? error : codeOf(error)),
    )
  }
  for (const [id, operation] of operations.entries()) {
    const item = 1_000 + id
    const controller = new AbortController()
    const answers: [queue: unknown, naive: unknown][] = []
    controllers.push(controller)
    switch (operation.call) {
      case 'put':
        watch(id, queue.put(item, { signal: controller.signal }))
        naive.put(id, item)
        break
      case 'get':
        watch(id, queue.get({ signal: controller.signal }))
        naive.get(id)
        break
      case 'tryPut':
        answers.push([attempt(() => queue.tryPut(item)), naive.tryPut(item)])
        break
      case 'putSync':
        answers.push([attempt(() => queue.putSync(item, { timeout: 0 }) ?? true), naive.tryPut(item)])
        break
      case 'tryGet':
        answers.push([attempt(() => queue.tryGet()?.item ?? false), naive.tryGet()])
        break
      case 'getSync':
        answers.push([attempt(() => queue.getSync({ timeout: 0 })), naive.tryGet()])
        break
      case 'abort':
        controllers[operation.which]?.abort('aborted')
        naive.abort(operation.which)
        break
      case 'close':
        queue.close()
        naive.close()
        break
    }
    for (const [answer, expected] of answers) expect(answer).toBe(expected)
    expect({ size: queue.size, stats: queue.getStats() }).toMatchObject(naive.state as object)
    const turn = turns[id % turns.length] ?? 0
    if (turn > 2) await turnsOfTheLoop(1)
    else await microtasks(turn)
  }
  await turnsOfTheLoop(1)
  naive.outcomes.delete(-1)
  expect(outcomes).toEqual(naive.outcomes)
  // Nobody is left waiting when the test ends.
  for (const controller of controllers) controller.abort('aborted')
}

test('random calls of one thread give what the obvious queue gives', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 4 }),
      fc.array(anyOperation, { minLength: 1, maxLength: 40 }),
      fc.array(fc.nat(3), { minLength: 1, maxLength: 5 }),
      compare,
    ),
    { numRuns: 300 },
  )
})
