// release.mjs --dry-run    rehearses a release; nothing leaves this machine
// release.mjs --publish    publishes every package whose version the registry does not have yet, and tags it
//
// A rehearsal is made in a copy of the repository, which is built from nothing, packed and looked through. The very command that
// publishes is run there against a registry of its own on the loopback. Then a new project installs
// @heddle/worker-pool from that registry, and nothing else, and runs its quick start, in JavaScript and in TypeScript.
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { exitCodeOf, run } from './lib/processes.mjs'
import { packAll, readyToPublish } from './lib/release/packages.mjs'
import { rehearse } from './lib/release/rehearsal.mjs'
import { root } from './lib/root.mjs'
import { setUp } from './lib/set-up.mjs'
import { withTemporaryFolder } from './lib/temporary-folder.mjs'

// npm takes the option for its own where `--` was forgotten before it.
const args = process.env.npm_config_dry_run === 'true' ? ['--dry-run'] : process.argv.slice(2)
const way = args.length === 1 ? args[0] : undefined
if (way !== '--dry-run' && way !== '--publish') {
  console.error(
    'usage: npm run release -- --dry-run    rehearses; nothing leaves this machine\n' +
      '       npm run release -- --publish    publishes what has a new version',
  )
  process.exit(2)
}

await setUp()
const stop = new AbortController()
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(name, () => stop.abort(name))
const { signal } = stop
try {
  process.exitCode = await withTemporaryFolder('heddle-release-', (folder) =>
    way === '--publish' ? publish(folder) : rehearse(folder, signal),
  )
} catch (error) {
  if (!signal.aborted) console.error(`FAIL  ${error.message}`)
  process.exitCode = signal.aborted ? exitCodeOf(signal.reason) : 1
}

async function publish(folder) {
  await readyToPublish(signal)
  // What a module that is gone has left there would be published as well.
  for (const name of readdirSync(join(root, 'packages')))
    rmSync(join(root, 'packages', name, 'dist'), { recursive: true, force: true })
  const built = await run('turbo', ['run', 'build', '--filter=./packages/*', '--output-logs=errors-only'])
  if (built !== 0) return built
  await packAll(root, join(folder, 'tarballs'), signal)
  return await run('changeset', ['publish'])
}
