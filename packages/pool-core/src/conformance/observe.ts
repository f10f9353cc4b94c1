import assert, { AssertionError } from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises'
import { inspect } from 'node:util'

/** What a busy machine may take for what takes no time, in milliseconds. */
export const slack = 10_000

/** Anything that was thrown, read as an error. */
export interface Thrown {
  readonly name?: unknown
  readonly message?: unknown
  readonly code?: unknown
  readonly cause?: unknown
}

/** Waits for a state, however long that takes on a busy machine. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const limit = performance.now() + slack
  while (!condition()) {
    if (performance.now() > limit) assert.fail(`it never came to ${what}`)
    // Leaves the processor to those whose state it is.
    await delay(1)
  }
}

/** Passes the time that a limit is about; for claims about time only. */
export async function pass(ms: number): Promise<void> {
  const begun = performance.now()
  // Timers can fire early.
  while (performance.now() - begun < ms) await delay(5)
}

/** Enough for whatever is wrongly under way to show. */
export async function turnsOfTheLoop(turns = 5): Promise<void> {
  for (let taken = 0; taken < turns; taken += 1) await turn()
}

/** Gives up on what hangs: an executor that is wrong must not hold up the whole run. */
export async function within<Value>(promise: Promise<Value>, ms: number, what: string): Promise<Value> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new AssertionError({ message: `${what} did not end within ${ms} ms` })), ms)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

/** What a promise rejects with. */
export async function rejectionOf(promise: Promise<unknown>): Promise<unknown> {
  let value: unknown
  try {
    value = await promise
  } catch (error) {
    return error
  }
  throw new AssertionError({ message: `it did not reject, it resolved with ${inspect(value)}` })
}

/** What a call throws, or its promise rejects with: the contract leaves open which. */
export async function refusalOf(call: () => unknown): Promise<unknown> {
  return await rejectionOf((async () => await call())())
}

/** Checks the name and the code of an error, which are the same in every realm; its class may be another copy. */
export function isError(error: unknown, name: string, code?: string): Thrown {
  assert.ok(typeof error === 'object' && error !== null, `${name} was expected, not ${inspect(error)}`)
  const thrown = error as Thrown
  const told = `${name} ${code ?? ''} was expected, not ${inspect(error)}`
  assert.equal(thrown.name, name, told)
  if (code !== undefined) assert.equal(thrown.code, code, told)
  return thrown
}

/** Checks that a promise rejects with an error of that name and code. */
export async function rejects(promise: Promise<unknown>, name: string, code?: string): Promise<Thrown> {
  return isError(await rejectionOf(promise), name, code)
}

/**
 * Checks that two values are the same through and through. Both are copied first: results may come of another realm, a test
 * runner's say, and their prototypes then differ though nothing else does.
 */
export function same(actual: unknown, expected: unknown): void {
  assert.deepEqual(structuredClone(actual), structuredClone(expected))
}

/** How many listeners a signal has. */
export function listenersOf(signal: AbortSignal): number {
  return getEventListeners(signal, 'abort').length
}

/** All that an iterator gives. */
export async function collect<Item>(results: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = []
  for await (const result of results) all.push(result)
  return all
}
