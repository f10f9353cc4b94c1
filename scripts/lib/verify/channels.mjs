import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import { root } from '../root.mjs'

const channels = join(root, 'packages', 'ipc-channels')
const fromTests = (file) => import(pathToFileURL(join(channels, 'test', 'verify', file)).href)

/** The proofs of `@heddle/ipc-channels`. @returns how many rows failed */
export async function verify({ long, seed, print }) {
  // Beside the others: it takes one core, and as long as half of them.
  const models = exploreModels(print)
  const failures = [
    await histories({ kind: 'thread', rounds: long ? 5_000 : 500, seed, print }),
    await histories({ kind: 'process', rounds: long ? 5_000 : 500, seed, print }),
    await wakeUps(print),
    await storm({ of: 'ThreadSafeQueue', kind: 'process', rounds: long ? 10_000 : 1_000, seed, print }),
    await storm({ of: 'ThreadSafeQueue', kind: 'thread', rounds: long ? 2_000 : 100, seed, print }),
    await storm({ of: 'ThreadSafePriorityQueue', kind: 'process', rounds: long ? 1_000 : 50, seed, print }),
    await peers({ rounds: long ? 1_000 : 30, seed, print }),
    await mutations({ count: long ? 1_000_000 : 100_000, seed, print }),
    await models,
    ...(long ? [await soak({ minutes: 10, seed, print })] : []),
  ]
  return failures.reduce((sum, each) => sum + each, 0)
}

/** Every order of the steps of each algorithm, with what may happen from outside as its configuration says. */
async function exploreModels(print) {
  const worker = new Worker(new URL('./channels-models.mjs', import.meta.url))
  let failures
  worker.on('message', (message) => {
    if (message.line !== undefined) print(message.line)
    else failures = message.failures
  })
  const problem = await new Promise((resolve) => {
    worker.once('error', resolve)
    worker.once('exit', () => resolve(undefined))
  })
  if (problem) print(`  ${problem.stack}`)
  return failures ?? 1
}

async function histories({ kind, rounds, seed, print }) {
  const begun = performance.now()
  const { calls, undecided, wrong } = await apart('histories.mjs', 'checkHistories', { kind, rounds, seed })
  const verdict = wrong.length > 0 ? 'NOT linearizable' : undecided > 0 ? `${undecided} undecided` : 'linearizable'
  print(
    `= histories: ${rounds} of 4 ${kindsOf(kind)} on a queue, ${calls} calls, ${verdict}, ${seconds(begun)} s (seed ${seed})`,
  )
  for (const each of wrong) print(`  ${JSON.stringify(each)}`)
  return wrong.length > 0 || undecided > 0 ? 1 : 0
}

/** Above this a wake-up did not come, and somebody has looked by himself. */
const slowestWakeUpMs = 15

async function wakeUps(print) {
  let failures = 0
  for (const kind of ['thread', 'process']) {
    const { wrong, rows = {} } = await apart('wake-ups.mjs', 'wakeUps', { kind })
    for (const fault of wrong) print(`= wake-ups: ${kind}: ${fault}`)
    failures += wrong.length
    for (const [how, took] of Object.entries(rows)) {
      print(`= wake-ups: ${took.length} round trips to a ${kind} that sleeps, ${how}: ${timesOf(took)}`)
      if (shareOf(took, 0.5) < slowestWakeUpMs) continue
      print(`  the median is above ${slowestWakeUpMs} ms: it was not woken`)
      failures += 1
    }
  }
  return failures
}

async function storm({ of, kind, rounds, seed, print }) {
  const begun = performance.now()
  const { wrong, counts, outages } = await apart('kill-storm.mjs', 'killStorm', { of, kind, rounds, seed })
  print(
    `= kill storm: ${rounds} ${kindsOf(kind)} on a ${of} (${listOf(counts)}), usable again: ${timesOf(outages)}, ` +
      `${wrong.length} faults, ${seconds(begun)} s (seed ${seed})`,
  )
  for (const fault of wrong.slice(0, 10)) print(`  ${fault}`)
  const slow = shareOf(outages, 0.5) > 100
  if (slow) print('  the median is above 100 ms')
  return wrong.length > 0 || slow ? 1 : 0
}

/** Peers of pipes, publishers and subscribers of topics that are killed. */
async function peers({ rounds, seed, print }) {
  let failures = 0
  for (const kind of ['process', 'thread']) {
    for (const [name, file] of [
      ['pipe', 'pipe-storm.mjs'],
      ['topic', 'topic-storm.mjs'],
    ]) {
      const begun = performance.now()
      const { wrong, counts, noticed } = await apart(file, 'peerStorm', { kind, rounds, seed })
      print(
        `= ${name} storm: ${rounds} ${kindsOf(kind)} (${listOf(counts)}), noticed: ${timesOf(noticed)}, ` +
          `${wrong.length} faults, ${seconds(begun)} s (seed ${seed})`,
      )
      for (const fault of wrong.slice(0, 10)) print(`  ${fault}`)
      if (wrong.length > 0) failures += 1
    }
  }
  return failures
}

async function mutations({ count, seed, print }) {
  const { mutate } = await fromTests('mutations.mjs')
  const begun = performance.now()
  const { wrong, outcomes } = await mutate({ count, seed })
  print(
    `= damaged queues: ${count} mutations (${listOf(outcomes)}), ${wrong.length} faults, ${seconds(begun)} s (seed ${seed})`,
  )
  for (const fault of wrong.slice(0, 10)) print(`  ${JSON.stringify(fault)}`)
  return wrong.length > 0 ? 1 : 0
}

async function soak({ minutes, seed, print }) {
  const { wrong, counts, growth } = await apart('soak.mjs', 'soak', { minutes, seed })
  print(
    `= soak: ${minutes} minutes (${listOf(counts)}), growth ${listOf(growth)}, ${wrong.length} faults (seed ${seed})`,
  )
  for (const fault of wrong.slice(0, 10)) print(`  ${fault}`)
  return wrong.length > 0 ? 1 : 0
}

/** In a process of its own, which may hang. */
async function apart(file, name, options) {
  const { apart: run } = await fromTests('apart.mjs')
  return run(`./${file}`, name, options)
}

const kindsOf = (kind) => (kind === 'process' ? 'processes' : 'threads')
const listOf = (counts = {}) =>
  Object.entries(counts)
    .map(([what, times]) => `${what} ${times}`)
    .join(', ')
const shareOf = (sorted = [], share) =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
const timesOf = (sorted = []) =>
  `p50 ${shareOf(sorted, 0.5).toFixed(1)} ms, p99 ${shareOf(sorted, 0.99).toFixed(1)} ms, most ${shareOf(sorted, 1).toFixed(1)} ms`
const seconds = (begun) => ((performance.now() - begun) / 1000).toFixed(0)
