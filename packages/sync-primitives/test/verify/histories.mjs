// Records what threads see of one object, and checks that it can be explained by calls one after the other.
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { checkLinearizable } from '@heddle/interleave'
import { ThreadMemory } from '@heddle/sync-primitives'
import { models } from './history-models.mjs'
import { objects, racyObjects } from './history-objects.mjs'
import { randomFrom } from './random.mjs'

const threads = 3
/** Operations of each thread in one history, if the object does not say. */
const usualLength = 80
/** Histories for one message. */
const batch = 20
/** A history that takes longer than this to check is undecided. */
const maxStates = 200_000

/**
 * Records `rounds` histories of each object, and checks them.
 *
 * @param only - names of objects; those that are racy on purpose are checked only if they are named
 */
export async function checkHistories({ rounds, seed, only = Object.keys(objects) }) {
  const shared = () => new Int32Array(new SharedArrayBuffer(8))
  const [clock, gate] = [shared(), shared()]
  const workers = Array.from(
    { length: threads },
    (_, thread) =>
      new Worker(new URL('./history-worker.mjs', import.meta.url), { workerData: { thread, threads, clock, gate } }),
  )
  try {
    const rows = []
    for (const name of only) rows.push(await checkObject(workers, name, rounds, seed))
    return rows
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()))
  }
}

async function checkObject(workers, name, rounds, seed) {
  const object = { ...objects, ...racyObjects }[name]
  const row = { object: name, operations: 0, verdict: 'linearizable' }
  for (let first = 0; first < rounds; first += batch) {
    const made = makeObjects(object, Math.min(batch, rounds - first), seed + first)
    const message = {
      name,
      handles: made.map(([it]) => it.toHandle()),
      seed: seed + first,
      length: object.length ?? usualLength,
    }
    const records = await answers(workers, message)
    for (const [number, [, start]] of made.entries()) {
      const history = records.flatMap((record) => record[number])
      row.operations += history.length
      judge(row, history, object, start, seed + first + number)
    }
  }
  return row
}

function makeObjects(object, count, seed) {
  const random = randomFrom(seed)
  const memory = ThreadMemory.create({ participants: threads + 1 })
  return Array.from({ length: count }, () => object.make(memory, random))
}

async function answers(workers, message) {
  const signal = AbortSignal.timeout(60_000)
  return Promise.all(
    workers.map(async (worker) => {
      const answer = once(worker, 'message', { signal })
      worker.postMessage(message)
      return (await answer)[0]
    }),
  )
}

function judge(row, history, object, start, seed) {
  const { verdict } = check(history, object, start)
  if (verdict === 'ok') return
  if (verdict === 'bound hit') {
    if (row.verdict === 'linearizable') row.verdict = 'undecided'
    return
  }
  row.verdict = 'not linearizable'
  const shortest = shortestWrongBeginning(history, object, start)
  if (row.counterexample && row.counterexample.operations <= shortest.length) return
  row.counterexample = {
    seed,
    operations: shortest.length,
    text: describe(shortest, check(shortest, object, start), start),
  }
}

/** `history` in the steps that the model has. */
function check(history, { model: modelName }, start) {
  const model = models[modelName]
  const steps = history.flatMap((operation) => {
    const interval = { call: operation.call, return: operation.isPending ? undefined : operation.return }
    const end = { ...interval, input: operation }
    return model.splits?.(operation.name) ? [{ ...interval, input: { ...operation, begins: true } }, end] : [end]
  })
  const { keyOf } = model
  // What an operation returned is known, also of one that the beginning of a history has cut off.
  return checkLinearizable(
    steps,
    { initial: model.initial(start), step: (state, input) => model.step(state, input), ...(keyOf && { keyOf }) },
    { maxStates },
  )
}

/**
 * A beginning of a history that has an explanation has one, too. So the shortest one without an explanation ends with the
 * operation that makes the difference; what is under way at that time may have had its effect or not.
 */
function shortestWrongBeginning(history, object, start) {
  const until = (time) =>
    history
      .filter(({ call }) => call <= time)
      .map((operation) => ({ ...operation, isPending: operation.return > time }))
  const times = history.map((operation) => operation.return).sort((one, other) => one - other)
  let [right, wrong] = [-1, times.length - 1]
  while (wrong - right > 1) {
    const middle = (right + wrong) >> 1
    if (check(until(times[middle]), object, start).verdict === 'illegal') wrong = middle
    else right = middle
  }
  return until(times[wrong])
}

/** Of a long counterexample, the last operations tell what is wrong. */
const most = 20

function describe(history, { order, stuckAt }, start) {
  const base = Math.min(...history.map(({ call }) => call))
  const line = ({ thread, name, argument, result, call, isPending, return: end }) =>
    `  ${call - base}–${isPending ? '…' : end - base} · thread ${thread} · ${name}(${argument}) · ${isPending ? 'not back' : result}`
  const stuck = [...new Set(stuckAt.map(({ input }) => input.id))]
  const placed = new Set(order.map(({ input }) => input.id))
  const sorted = history.toSorted((one, other) => one.call - other.call)
  const earlier = Math.max(0, sorted.length - most)
  return [
    ...(start === undefined ? [] : [`begins with ${start}`]),
    ...(earlier === 0 ? [] : [`  ${earlier} earlier operations`]),
    ...sorted.slice(earlier).map(line),
    `${placed.size} of ${history.length} can be put in order; none of these can come next:`,
    ...history.filter(({ id }) => stuck.includes(id)).map(line),
  ].join('\n')
}
