// verify.mjs SUITE... [--long] [--seed N]: the long proofs, which the tests are only a share of.
//
// Each suite prints what it did, row by row; the last line is the verdict, and the exit code agrees with it. A suite ends within
// 8 minutes on 2 cores, unless `--long` asks for more.
import { parseArgs } from 'node:util'
import { run, stopRequested } from './lib/processes.mjs'
import { setUp } from './lib/set-up.mjs'

const suites = {
  async: { packages: ['async-patterns'], load: () => import('./lib/verify/async.mjs') },
  channels: {
    packages: ['ipc-channels', 'shared-memory', 'interleave'],
    load: () => import('./lib/verify/channels.mjs'),
  },
  cluster: {
    packages: ['cluster-pool'],
    load: () => import('./lib/verify/cluster.mjs'),
  },
  memory: {
    packages: ['shared-memory', 'interleave'],
    load: () => import('./lib/verify/memory.mjs'),
  },
  pools: {
    packages: ['pool-core', 'worker-pool', 'process-pool', 'interleave'],
    load: () => import('./lib/verify/pools.mjs'),
  },
  sync: { packages: ['sync-primitives', 'interleave'], load: () => import('./lib/verify/sync.mjs') },
}

const { values, positionals } = parse()
await setUp()
const filters = positionals.flatMap((name) => suites[name].packages.map((each) => `--filter=@heddle/${each}...`))
const built = await run('turbo', ['run', 'build', ...filters, '--output-logs=errors-only'], { quietly: true })
if (built !== 0) process.exit(built)

let failures = 0
for (const name of positionals) {
  const { verify } = await suites[name].load()
  failures += await verify({ long: values.long ?? false, seed: Number(values.seed ?? Date.now() % 2 ** 31), print })
  if (stopRequested() !== undefined) process.exit(stopRequested())
}
print(failures === 0 ? `verified: ${positionals.join(', ')}` : `NOT verified: ${failures} failed`)
// Threads of a run that failed may hang; they must not keep this from ending.
process.exit(failures === 0 ? 0 : 1)

function print(line) {
  process.stdout.write(`${line}\n`)
}

function parse() {
  const usage = `usage: npm run verify -- SUITE... [--long] [--seed N]\nsuites: ${Object.keys(suites).join(', ')}`
  try {
    const parsed = parseArgs({
      allowPositionals: true,
      options: { long: { type: 'boolean' }, seed: { type: 'string' } },
    })
    const wrong = parsed.positionals.find((name) => !Object.hasOwn(suites, name))
    if (wrong !== undefined) throw new Error(`no such suite: ${wrong}`)
    if (parsed.positionals.length === 0) throw new Error('which suite?')
    if (parsed.values.seed !== undefined && !/^\d+$/.test(parsed.values.seed))
      throw new Error(`a seed is a whole number, not ${parsed.values.seed}`)
    return parsed
  } catch (error) {
    console.error(`${error.message}\n${usage}`)
    process.exit(2)
  }
}
