import { invalidArgument } from './errors.js'
import { describe } from './options.js'
import type { Submission } from './scheduler.js'

type Outcome = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: unknown }
type Underway = Omit<Submission, 'result'> & { readonly outcome: Promise<Outcome> }

/**
 * Starts something for each item of an input and yields the results in the order of the items, with at most `concurrency`
 * of them under way. A result is yielded as soon as it and all before it are there, even while a slow input is awaited.
 *
 * At the end, whatever its cause, what has not begun is taken back and the input is closed, unless it has ended by itself. An
 * input that is being awaited just then cannot be waited for, it may never come back: it is closed when it does.
 *
 * @throws TypeError `ERR_INVALID_ARG`: the input is not iterable
 */
export function mapInOrder<Item>(
  items: Iterable<Item> | AsyncIterable<Item>,
  concurrency: number,
  start: (item: Item) => Submission,
): AsyncIterableIterator<unknown> {
  const input = iteratorOf(items)
  return run(input, concurrency, start)
}

async function* run<Item>(
  input: Iterator<Item> | AsyncIterator<Item>,
  concurrency: number,
  start: (item: Item) => Submission,
): AsyncGenerator<unknown, void, void> {
  const underway: Underway[] = []
  /** Whether the input has to be closed: it has neither ended nor failed. */
  let inputOpen = true
  /** An error stands in its place behind the results, and nothing behind it will be asked for. */
  let failed = false
  /** Nobody asks any longer. */
  let left = false
  let pulling: Promise<void> | undefined

  const fail = (error: unknown) => {
    failed = true
    underway.push({ outcome: Promise.resolve({ ok: false, error }), takeBack: () => {} })
  }
  const failInput = (error: unknown) => {
    inputOpen = false
    fail(error)
  }
  const accept = (next: IteratorResult<Item>) => {
    if (next.done) inputOpen = false
    else if (!left)
      try {
        underway.push(follow(start(next.value)))
      } catch (error) {
        fail(error)
      }
  }
  const pull = () => {
    try {
      const next = input.next()
      if (!isPromise(next)) return accept(next)
      pulling = next
        .then(accept)
        .catch(failInput)
        .finally(() => {
          pulling = undefined
        })
    } catch (error) {
      failInput(error)
    }
  }

  try {
    for (;;) {
      while (inputOpen && !failed && !pulling && underway.length < concurrency) pull()
      const [head] = underway
      if (!head) {
        if (!pulling) return
        await pulling
        continue
      }
      const outcome = pulling ? await Promise.race([head.outcome, pulling]) : await head.outcome
      if (!outcome) continue
      underway.shift()
      if (!outcome.ok) throw outcome.error
      yield outcome.value
    }
  } finally {
    left = true
    for (const { takeBack } of underway) takeBack()
    if (inputOpen) {
      const closing = input.return?.()
      if (!pulling) await closing
      else if (isPromise(closing)) closing.catch(() => {})
    }
  }
}

/** A promise that never rejects: a failure waits for its place in the order. */
function follow({ result, takeBack }: Submission): Underway {
  return {
    outcome: result.then(
      (value) => ({ ok: true, value }),
      (error: unknown) => ({ ok: false, error }),
    ),
    takeBack,
  }
}

function iteratorOf<Item>(items: Iterable<Item> | AsyncIterable<Item>): Iterator<Item> | AsyncIterator<Item> {
  const candidate = items as Partial<Iterable<Item> & AsyncIterable<Item>> | null | undefined
  const iterator = candidate?.[Symbol.asyncIterator]?.() ?? candidate?.[Symbol.iterator]?.()
  if (!iterator) throw invalidArgument(`map needs an iterable or an async iterable, not ${describe(items)}`)
  return iterator
}

function isPromise<Value>(value: Value | PromiseLike<Value>): value is Promise<Value> {
  return typeof value === 'object' && value !== null && 'then' in value
}
