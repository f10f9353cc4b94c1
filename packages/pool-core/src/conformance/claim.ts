import { AssertionError } from 'node:assert/strict'
import { inspect } from 'node:util'
import type { Executor } from '../executor.js'
import { Gate } from './gate.js'
import { within } from './observe.js'
import { quiet } from './quiet.js'
import type { Shelf } from './shelf.js'

/** One thing that all executors keep, or all of a trait. */
export interface Claim {
  readonly name: string
  /** Throws when it does not hold. What it makes of the kit is ended by the kit. */
  readonly check: (kit: CaseKit) => Promise<void>
}

const checkMs = 20_000
const endMs = 10_000

/** What a claim is checked with. */
class CaseKit {
  readonly #shelf: Shelf
  readonly #created: Executor[] = []
  readonly #taken = new Map<Executor, number>()
  readonly #gates: Gate[] = []
  #isOver = false

  constructor(shelf: Shelf) {
    this.#shelf = shelf
  }

  /** An executor for claims that neither close it nor look at its statistics; others may have used it before. */
  executor(concurrency: number): Executor {
    this.#checkIsOpen()
    const executor = this.#shelf.take(concurrency)
    this.#taken.set(executor, concurrency)
    return quiet(executor)
  }

  /** A new executor. */
  create(concurrency: number, maxResults?: number): Executor {
    this.#checkIsOpen()
    const executor = this.#shelf.create(concurrency, maxResults)
    this.#created.push(executor)
    return quiet(executor)
  }

  gate(): Gate {
    this.#checkIsOpen()
    const gate = new Gate()
    this.#gates.push(gate)
    return gate
  }

  /** A check that took too long goes on: it must not make what nobody would end. */
  #checkIsOpen(): void {
    if (this.#isOver) throw new Error('the case is over')
  }

  async end(holds: boolean): Promise<void> {
    this.#isOver = true
    // What waits in this thread can only be ended by opening its gate.
    for (const gate of this.#gates) gate.open()
    const ends = this.#gates.map((gate) => gate.left())
    for (const executor of this.#created) ends.push(executor.terminate())
    for (const [executor, concurrency] of this.#taken)
      ends.push(holds ? this.#shelf.putBack(executor, concurrency) : executor.terminate())
    try {
      await within(Promise.all(ends), endMs, 'the end of the executors')
    } finally {
      for (const gate of this.#gates) gate.remove()
    }
  }
}

/** Checks a claim and leaves nothing behind. The first thing that went wrong is what is told. */
export async function checkClaim(shelf: Shelf, { name, check }: Claim): Promise<void> {
  const kit = new CaseKit(shelf)
  const failures: unknown[] = []
  const note = (error: unknown) => failures.push(error)
  shelf.onBegin()
  await within(check(kit), checkMs, 'the case').catch(note)
  await kit.end(failures.length === 0).catch(note)
  await within(shelf.onEnd(name), endMs, 'the end of the executors').catch(note)
  if (failures.length > 0) throw asAssertion(failures[0])
}

/** An error that a claim did not expect is a claim that does not hold. */
function asAssertion(error: unknown): unknown {
  if ((error as { code?: unknown } | null | undefined)?.code === 'ERR_ASSERTION') return error
  return Object.assign(new AssertionError({ message: `unexpected: ${inspect(error)}` }), { cause: error })
}
