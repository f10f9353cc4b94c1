import { ThreadSafePriorityQueue } from '@heddle/ipc-channels'
import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { microtasks, turnsOfTheLoop } from './support/until.js'

interface Item {
  readonly text: string
  readonly priority: number
}

type Operation =
  | { readonly call: 'put' | 'tryPut' | 'putSync'; readonly priority: number; readonly bytes: number }
  | { readonly call: 'tryPutMany'; readonly priority: number; readonly sizes: readonly number[] }
  | { readonly call: 'get' | 'tryGet' | 'getSync' | 'close' | 'shutdown' }
  | { readonly call: 'getMany' | 'tryGetMany'; readonly most: number }
  | { readonly call: 'abort'; readonly which: number }

/** A text of one byte for each of its letters, and one before them. */
const bytesOf = (text: string) => text.length + 1

/** The obvious queue of one thread: whoever waits goes as soon as he can, in order; the items stand sorted in a list. */
class NaiveQueue {
  readonly outcomes = new Map<number, unknown>()
  readonly #capacity: number
  readonly #capacityBytes: number
  #items: Item[] = []
  #putters: { id: number; item: Item }[] = []
  #getters: { id: number; most: number }[] = []
  #closed = false
  #stats = { putCount: 0, getCount: 0, errors: 0 }

  constructor(capacity: number, capacityBytes: number) {
    this.#capacity = capacity
    this.#capacityBytes = capacityBytes
  }

  get state(): unknown {
    return { size: this.#items.length, stats: { ...this.#stats, closed: this.#closed } }
  }

  /** Waiting forms leave their outcome under `id`, once they have one. */
  put(id: number, item: Item): void {
    this.#putters.push({ id, item })
    this.#settle()
  }

  /** @param most - 0: one, and not as a list */
  get(id: number, most: number): void {
    this.#getters.push({ id, most })
    this.#settle()
  }

  tryPut(item: Item): unknown {
    if (this.#closed) return 'ERR_CLOSED'
    if (this.#putters.length > 0 || !this.#hasRoom(item)) return this.#fail(false)
    this.put(-1, item)
    return true
  }

  tryPutMany(items: readonly Item[]): unknown {
    if (this.#closed) return 'ERR_CLOSED'
    let put = 0
    if (this.#putters.length === 0)
      for (const item of items) {
        if (!this.#hasRoom(item)) break
        this.#insert(item)
        put += 1
      }
    this.#settle()
    return put > 0 ? put : this.#fail(0)
  }

  tryGet(most: number): unknown {
    if (this.#items.length > 0) {
      this.get(-1, most)
      return this.outcomes.get(-1)
    }
    if (this.#closed) return 'ERR_CLOSED'
    return this.#fail(most === 0 ? false : [])
  }

  abort(id: number): void {
    const waits = [...this.#getters, ...this.#putters].some((each) => each.id === id)
    if (!waits) return
    this.#getters = this.#getters.filter((getter) => getter.id !== id)
    this.#putters = this.#putters.filter((putter) => putter.id !== id)
    this.outcomes.set(id, 'aborted')
    this.#settle()
  }

  close(): void {
    this.#closed = true
    this.#settle()
  }

  shutdown(): string[] {
    const left = this.#items.map(({ text }) => text)
    this.#stats.getCount += left.length
    this.#items = []
    this.close()
    return left
  }

  #fail<Answer>(answer: Answer): Answer {
    this.#stats.errors += 1
    return answer
  }

  #hasRoom({ text }: Item): boolean {
    const used = this.#items.reduce((sum, item) => sum + bytesOf(item.text), 0)
    return this.#items.length < this.#capacity && used + bytesOf(text) <= this.#capacityBytes
  }

  #insert(item: Item): void {
    const at = this.#items.findIndex(({ priority }) => priority < item.priority)
    this.#items.splice(at < 0 ? this.#items.length : at, 0, item)
    this.#stats.putCount += 1
  }

  #settle(): void {
    for (;;) {
      const [putter] = this.#putters
      const [getter] = this.#getters
      if (putter && this.#closed) {
        this.#putters.shift()
        this.outcomes.set(putter.id, 'ERR_CLOSED')
      } else if (putter && this.#hasRoom(putter.item)) {
        this.#putters.shift()
        this.#insert(putter.item)
        this.outcomes.set(putter.id, true)
      } else if (getter && this.#items.length > 0) {
        this.#getters.shift()
        const taken = this.#items.splice(0, getter.most || 1).map(({ text }) => text)
        this.#stats.getCount += taken.length
        this.outcomes.set(getter.id, getter.most === 0 ? taken[0] : taken)
      } else if (getter && this.#closed) {
        this.#getters.shift()
        this.outcomes.set(getter.id, 'ERR_CLOSED')
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

const extremes = [-(2 ** 31), -(2 ** 31) + 1, 2 ** 31 - 1]
const anyPriority = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: -1, max: 2 }) },
  { weight: 1, arbitrary: fc.constantFrom(...extremes) },
)
/** Around the sizes at which one more block is needed; each item of a run begins with its own number. */
const anyBytes = fc.constantFrom(6, 9, 63, 64, 65, 66, 124, 125, 190, 300)

const anyOperation: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      call: fc.constantFrom('put' as const, 'tryPut' as const, 'putSync' as const),
      priority: anyPriority,
      bytes: anyBytes,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      call: fc.constant('tryPutMany' as const),
      priority: anyPriority,
      sizes: fc.array(anyBytes, { minLength: 1, maxLength: 5 }),
    }),
  },
  { weight: 8, arbitrary: fc.record({ call: fc.constantFrom('get' as const, 'tryGet' as const, 'getSync' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      call: fc.constantFrom('getMany' as const, 'tryGetMany' as const),
      most: fc.integer({ min: 1, max: 6 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ call: fc.constant('abort' as const), which: fc.nat(60) }) },
  { weight: 1, arbitrary: fc.record({ call: fc.constantFrom('close' as const, 'shutdown' as const) }) },
)

/** Runs the operations on both; every answer and every state on the way must be the same. */
async function compare(
  capacity: number,
  capacityBytes: number,
  operations: readonly Operation[],
  turns: readonly number[],
): Promise<void> {
  const queue = new ThreadSafePriorityQueue<string>({ capacity, capacityBytes })
  const naive = new NaiveQueue(capacity, capacityBytes)
  const outcomes = new Map<number, unknown>()
  const controllers: AbortController[] = []
  const watch = (id: number, promise: Promise<unknown>) => {
    void promise.then(
      (value) => outcomes.set(id, value ?? true),
      (error: unknown) => outcomes.set(id, error === 'aborted' ? error : codeOf(error)),
    )
  }
  const textOf = (id: number, bytes: number) => `${1_000 + id}`.padEnd(bytes - 1, 'abcdefghi')
  for (const [id, operation] of operations.entries()) {
    const controller = new AbortController()
    const { signal } = controller
    const answers: [queue: unknown, naive: unknown][] = []
    controllers.push(controller)
    switch (operation.call) {
      case 'put':
      case 'tryPut':
      case 'putSync': {
        const { priority } = operation
        const item = { text: textOf(id, operation.bytes), priority }
        if (operation.call === 'put') {
          watch(id, queue.put(item.text, { priority, signal }))
          naive.put(id, item)
        } else if (operation.call === 'tryPut')
          answers.push([attempt(() => queue.tryPut(item.text, { priority })), naive.tryPut(item)])
        else
          answers.push([attempt(() => queue.putSync(item.text, { priority, timeout: 0 }) ?? true), naive.tryPut(item)])
        break
      }
      case 'tryPutMany': {
        const { priority } = operation
        const items = operation.sizes.map((bytes, n) => ({ text: textOf(id * 10 + n, bytes), priority }))
        answers.push([
          attempt(() =>
            queue.tryPutMany(
              items.map(({ text }) => text),
              { priority },
            ),
          ),
          naive.tryPutMany(items),
        ])
        break
      }
      case 'get':
        watch(id, queue.get({ signal }))
        naive.get(id, 0)
        break
      case 'getMany':
        watch(id, queue.getMany(operation.most, { signal }))
        naive.get(id, operation.most)
        break
      case 'tryGet':
        answers.push([attempt(() => queue.tryGet()?.item ?? false), naive.tryGet(0)])
        break
      case 'getSync':
        answers.push([attempt(() => queue.getSync({ timeout: 0 })), naive.tryGet(0)])
        break
      case 'tryGetMany':
        answers.push([attempt(() => queue.tryGetMany(operation.most)), naive.tryGet(operation.most)])
        break
      case 'abort':
        controllers[operation.which]?.abort('aborted')
        naive.abort(operation.which)
        break
      case 'close':
        queue.close()
        naive.close()
        break
      case 'shutdown':
        answers.push([queue.shutdown({ immediate: true }), naive.shutdown()])
        break
    }
    for (const [answer, expected] of answers) expect(answer).toEqual(expected)
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

test('random calls of one thread give what the obvious queue with priorities gives', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(1, 2, 3, 5, 8, 20),
      fc.constantFrom(300, 420, 605, 2_000),
      fc.array(anyOperation, { minLength: 1, maxLength: 60 }),
      fc.array(fc.nat(3), { minLength: 1, maxLength: 5 }),
      compare,
    ),
    { numRuns: 200 },
  )
})

test('any items, whatever was taken between them, come out sorted by priority and then by age', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: -3, max: 3 }), fc.nat(3)), { minLength: 1, maxLength: 200 }),
      (puts) => {
        const queue = new ThreadSafePriorityQueue<number>({ capacity: 200, capacityBytes: 1_000 })
        let twin: [item: number, priority: number][] = []
        for (const [item, [priority, gets]] of puts.entries()) {
          queue.putSync(item, { priority, timeout: 0 })
          twin = [...twin, [item, priority] as [number, number]].sort(([a, p], [b, q]) => q - p || a - b)
          for (let get = 0; get < gets - 1; get++) expect(queue.tryGet()?.item).toBe(twin.shift()?.[0])
        }
        expect(queue.shutdown({ immediate: true })).toEqual(twin.map(([item]) => item))
      },
    ),
    { numRuns: 100 },
  )
})
