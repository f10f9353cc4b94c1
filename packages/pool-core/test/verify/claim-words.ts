import {
  add,
  checkpoint,
  compareExchange,
  type ExploreOptions,
  explore,
  isDead,
  load,
  type Snapshot,
  type Steps,
  spinHint,
  store,
} from '@heddle/interleave'

/** One exploration of the protocol by which a pool and its workers agree on which runs have begun. */
interface ModelRow {
  readonly configuration: string
  readonly options: ExploreOptions
}

/*
 * The words of `src/slots/claim-words.ts`, step by step. The first worker has two envelopes of two runs. The pool takes back
 * what has not begun, the second envelope before the first, or finds that the worker has ended, and sends the rest to the
 * second worker. What stands in an envelope is known from the message that brings it: here a word, `from * 8 + count + 1`.
 * A worker that was killed writes nothing more; which runs it has begun is what its words say.
 */
const takenBack = 1 << 6
const envelopes = 2
const each = 2
const runs = envelopes * each

const memory = { first0: 0, first1: 0, second0: 0, second1: 0, sent0: 0, sent1: 0, run0: 0, run1: 0, run2: 0, run3: 0 }
const FIRST = 0
const SECOND = 2
const SENT = 4
const RUN = 6

const participants = { pool: 1, first: 2, second: 3 } as const

/** The runs of one envelope, one after another, until one was taken back. */
function* serve(word: number, from: number, count: number): Steps<void> {
  for (let item = 0; item < count; item += 1) {
    yield checkpoint([word, from, count, item])
    if ((yield compareExchange(word, item, item + 1)) !== item) return
    yield add(RUN + from + item, 1)
  }
}

function* first(): Steps<string> {
  for (let envelope = 0; envelope < envelopes; envelope += 1) yield* serve(FIRST + envelope, envelope * each, each)
  return 'done'
}

function* second(): Steps<string> {
  for (let envelope = 0; envelope < envelopes; envelope += 1) {
    yield checkpoint(['next', envelope])
    let sent = yield load(SENT + envelope)
    while (sent === 0) {
      yield spinHint()
      sent = yield load(SENT + envelope)
    }
    yield* serve(SECOND + envelope, (sent - 1) >> 3, (sent - 1) & 7)
  }
  return 'done'
}

/** @param before - what its caller has to remember */
function* takeBack(word: number, before: number): Steps<number> {
  for (;;) {
    yield checkpoint(['take back', word, before])
    const seen = yield load(word)
    if ((yield compareExchange(word, seen, seen | takenBack)) === seen) return seen & ~takenBack
  }
}

/** How many runs of each envelope have begun, once nothing more can. */
function* takeBackAll(): Steps<readonly number[]> {
  const behind = yield* takeBack(FIRST + 1, 0)
  return [yield* takeBack(FIRST, behind), behind]
}

/** The same of a worker that has ended, or has begun all of it. */
function* waitForEnd(): Steps<readonly number[]> {
  for (;;) {
    yield checkpoint('wait')
    const hasEnded = yield isDead(participants.first)
    const begun = [yield load(FIRST), yield load(FIRST + 1)]
    if (hasEnded === 1 || begun.every((count) => count === each)) return begun
    yield spinHint()
  }
}

/** Returns for each run whether the pool has seen that it was begun: 1 or 0. */
const poolWith = (settle: () => Steps<readonly number[]>) =>
  function* (): Steps<string> {
    const begun = yield* settle()
    yield checkpoint(begun)
    for (const [envelope, count] of begun.entries())
      yield store(SENT + envelope, (envelope * each + count) * 8 + (each - count) + 1)
    return begun.map((count) => '1'.repeat(count).padEnd(each, '0')).join('')
  }

const begunOf = (snapshot: Snapshot, run: number) => snapshot.memory[RUN + run] as number

function neverTwice(snapshot: Snapshot): true | string {
  for (let run = 0; run < runs; run += 1) if (begunOf(snapshot, run) > 1) return `run ${run} has begun twice`
  return true
}

/** What the pool has sent to a worker that lives has begun there, and all else is known to have begun. */
function noneLost(snapshot: Snapshot, results: Readonly<Record<string, unknown>>): true | string {
  const told = results.pool as string
  for (let run = 0; run < runs; run += 1) {
    const isKnown = told[run] === '1'
    if (begunOf(snapshot, run) === 0 && !isKnown && results.second === 'done') return `run ${run} is lost`
    if (begunOf(snapshot, run) === 0 && isKnown && results.first === 'done') return `run ${run} is said to have begun`
  }
  return true
}

const row = (
  configuration: string,
  settle: () => Steps<readonly number[]>,
  choices: NonNullable<ExploreOptions['choices']> = {},
): ModelRow => ({
  configuration,
  options: {
    memory,
    threads: {
      pool: { run: poolWith(settle), participant: participants.pool },
      first: { run: first, participant: participants.first },
      second: { run: second, participant: participants.second },
    },
    invariant: neverTwice,
    final: noneLost,
    choices,
  },
})

const claimWordModels: readonly ModelRow[] = [
  row('2 envelopes of 2 runs, the rest taken back and sent to another worker', takeBackAll),
  row('the same, 1 kill of either worker', takeBackAll, { kills: { budget: 1, threads: ['first', 'second'] } }),
  row('the same, both are killed', takeBackAll, { kills: { budget: 2, threads: ['first', 'second'] } }),
  row('2 envelopes of 2 runs, a worker that ends, its rest sent to another, 2 kills', waitForEnd, {
    kills: { budget: 2, threads: ['first', 'second'] },
  }),
]

/** Explores all of them; rejects with the first violation. Returns what was seen. */
export async function claimWordsModel(_options?: unknown): Promise<string> {
  let all = 0
  for (const { configuration, options } of claimWordModels) {
    const { verdict, states, failure } = explore(options)
    if (verdict !== 'complete')
      throw new Error([`${configuration}: ${verdict}: ${failure?.message}`, ...(failure?.trace ?? [])].join('\n'))
    all += states
  }
  return `complete, ${all} states in ${claimWordModels.length} models, kills included, 0 violations`
}
