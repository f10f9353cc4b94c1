import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { root } from '../root.mjs'
import { importFromTests } from '../transpile.mjs'

const sharedMemory = join(root, 'packages', 'shared-memory')
const interleave = join(root, 'packages', 'interleave')
const fromTests = (file) => import(pathToFileURL(join(sharedMemory, 'test', 'verify', file)).href)

/** The proofs of `@heddle/shared-memory`. @returns how many rows failed */
export async function verify({ long, seed, print }) {
  const failures = [
    await exploreModels(print),
    await storm({ rounds: long ? 10_000 : 1_000, seed, print }),
    await terminations({ rounds: long ? 5_000 : 1_000, seed, print }),
    await mutations({ count: long ? 1_000_000 : 100_000, seed, print }),
  ]
  return failures.reduce((sum, each) => sum + each, 0)
}

/** Every order of the steps of each algorithm, with what may happen from outside as its configuration says. */
async function exploreModels(print) {
  const { explore } = await import(pathToFileURL(join(interleave, 'dist', 'index.js')).href)
  const { models } = await importFromTests(sharedMemory, 'test/model', 'index.js')
  let failures = 0
  for (const { algorithm, configuration, options } of models) {
    const begun = performance.now()
    const { verdict, states, bounds, failure } = explore(options)
    const seconds = ((performance.now() - begun) / 1000).toFixed(1)
    print(
      `${algorithm}: ${configuration}: ${verdict}${bounds?.length ? ` (${bounds.join(', ')})` : ''}, ${states} states, ${seconds} s`,
    )
    if (failure) print(`  ${failure.kind}: ${failure.message}\n  schedule ${failure.schedule}`)
    if (verdict !== 'complete') failures += 1
  }
  return failures
}

async function storm({ rounds, seed, print }) {
  const { killStorm } = await fromTests('kill-storm.mjs')
  const begun = performance.now()
  const { wrong, counts, outages } = await killStorm({ rounds, seed })
  const at = (share) =>
    (outages[Math.min(outages.length - 1, Math.floor(outages.length * share))] ?? Number.NaN).toFixed(1)
  print(
    `= kill storm: ${rounds} rounds (${Object.entries(counts)
      .map(([what, times]) => `${what} ${times}`)
      .join(', ')}), everything usable again: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, most ${at(1)} ms, ` +
      `${wrong.length} faults, ${seconds(begun)} s`,
  )
  for (const fault of wrong.slice(0, 10)) print(`  ${fault}`)
  const slow = Number(at(0.5)) > 100
  if (slow) print('  the median is above 100 ms')
  return (wrong.length > 0 ? 1 : 0) + (slow ? 1 : 0)
}

async function terminations({ rounds, seed, print }) {
  const { terminateStorm } = await fromTests('terminate-storm.mjs')
  const begun = performance.now()
  const { wrong } = await terminateStorm({ rounds, seed })
  print(`= terminate storm: ${rounds} worker threads, ${wrong.length} faults, ${seconds(begun)} s`)
  for (const fault of wrong.slice(0, 10)) print(`  ${fault}`)
  return wrong.length > 0 ? 1 : 0
}

async function mutations({ count, seed, print }) {
  const { mutate } = await fromTests('mutations.mjs')
  const begun = performance.now()
  const { wrong, outcomes } = await mutate({ count, seed })
  const list = Object.entries(outcomes).map(([code, times]) => `${code} ${times}`)
  print(`= damaged segments: ${count} mutations (${list.join(', ')}), ${wrong.length} faults, ${seconds(begun)} s`)
  for (const fault of wrong.slice(0, 10)) print(`  ${JSON.stringify(fault)}`)
  return wrong.length > 0 ? 1 : 0
}

const seconds = (begun) => ((performance.now() - begun) / 1000).toFixed(0)
