import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { root } from '../root.mjs'
import { importFromTests } from '../transpile.mjs'

const syncPrimitives = join(root, 'packages', 'sync-primitives')
const interleave = join(root, 'packages', 'interleave')

/** The proofs of `@heddle/sync-primitives`. @returns how many rows failed */
export async function verify({ long, seed, print }) {
  const failures = [
    await exploreModels(print),
    await runBugBank(print),
    await checkHistories({ rounds: long ? 2_000 : 200, seed, print }),
    await storm({ rounds: long ? 5_000 : 1_000, seed, print }),
  ]
  return failures.reduce((sum, each) => sum + each, 0)
}

/** Every order of the steps of each algorithm, with what may happen from outside as its configuration says. */
async function exploreModels(print) {
  const { explore } = await import(pathToFileURL(join(interleave, 'dist', 'index.js')).href)
  const { models } = await importFromTests(syncPrimitives, 'test/model', 'index.js')
  let failures = 0
  const totals = new Map()
  for (const { primitive, configuration, options } of models) {
    const begun = performance.now()
    const { verdict, states, bounds, failure } = explore(options)
    const seconds = ((performance.now() - begun) / 1000).toFixed(1)
    print(
      `${primitive}: ${configuration}: ${verdict}${bounds?.length ? ` (${bounds.join(', ')})` : ''}, ${states} states, ${seconds} s`,
    )
    if (failure)
      print(
        [
          `  ${failure.kind}: ${failure.message}`,
          `  schedule ${failure.schedule}`,
          ...failure.trace.map((line) => `  ${line}`),
        ].join('\n'),
      )
    if (verdict !== 'complete') failures += 1
    const total = totals.get(primitive) ?? { states: 0, models: 0, failed: 0 }
    total.states += states
    total.models += 1
    total.failed += verdict === 'failed' ? 1 : 0
    totals.set(primitive, total)
  }
  for (const [primitive, { states, models: count, failed }] of totals)
    print(`= ${primitive}: ${states} states in ${count} models, kills included, ${failed} violations`)
  return failures
}

/** Planted bugs, each of which the model checker has to find. */
async function runBugBank(print) {
  const { runBugBank: run } = await importFromTests(interleave, 'test/bug-bank', 'run.js')
  const rows = run()
  const missed = rows.filter(({ found }) => !found)
  for (const { name } of missed) print(`bug bank: missed: ${name}`)
  print(`= bug bank: ${rows.length - missed.length}/${rows.length}`)
  return missed.length
}

/** Histories of real threads, each explained by the same calls one after the other. */
async function checkHistories({ rounds, seed, print }) {
  const { checkHistories: check } = await load('histories.mjs')
  let failures = 0
  for (const { object, operations, verdict, counterexample } of await check({ rounds, seed })) {
    print(`histories: ${object}: ${operations} operations, ${verdict}`)
    if (verdict === 'linearizable') continue
    failures += 1
    print(`  seed ${seed}${counterexample === undefined ? '' : `\n  ${JSON.stringify(counterexample)}`}`)
  }
  return failures
}

/** Threads that are ended at a random moment, while they hold and wait. */
async function storm({ rounds, seed, print }) {
  const { terminateStorm } = await load('terminate-storm.mjs')
  const begun = performance.now()
  const { hangs, deaths, told, toldTwice, untold, intrusions, notes } = await terminateStorm({ rounds, seed })
  for (const note of notes ?? []) print(`  ${note}`)
  const seconds = ((performance.now() - begun) / 1000).toFixed(0)
  print(
    `= terminate storm: ${rounds} rounds in ${seconds} s, ${deaths} deaths, ${hangs} hangs, ${told} deaths of owners told once, ` +
      `${toldTwice} told twice, ${untold} not told, ${intrusions} intrusions (seed ${seed})`,
  )
  return hangs + toldTwice + untold + intrusions + (notes?.length ?? 0)
}

const load = (file) => import(pathToFileURL(join(syncPrimitives, 'test', 'verify', file)).href)
