import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { withLock } from '../lock.mjs'
import { run } from '../processes.mjs'
import { npmInstall, tools } from '../set-up.mjs'

const versions = { deno: '2.9.6', bun: '1.4.5', 'playwright-core': '1.65.1' }
/** Where the runtimes and what they keep are; git does not see it. */
export const home = join(tools, 'runtimes')

/** The folder of a pinned npm package in `.tools/runtimes`, installed on first use. */
export async function ensure(name) {
  const dir = join(home, name)
  const isThere = () => installedVersion(dir, name) === versions[name]
  if (!isThere())
    await withLock(join(home, `.${name}.lock`), async () => {
      if (isThere()) return
      rmSync(dir, { recursive: true, force: true })
      const { command, args } = npmInstall(dir, `${name}@${versions[name]}`)
      const code = await run(command, args, { stdoutToStderr: true })
      if (code !== 0) rmSync(dir, { recursive: true, force: true })
    })
  if (!isThere()) throw new Error(`npm does not give ${name}@${versions[name]} here`)
  return join(dir, 'node_modules', name)
}

/** The program of a pinned runtime, once it was seen to run. */
export async function ensureProgram(name) {
  await ensure(name)
  const dir = join(home, name)
  const bin = join(dir, 'node_modules', '.bin', process.platform === 'win32' ? `${name}.cmd` : name)
  const { stdout, error } = spawnSync(bin, ['--version'], { encoding: 'utf8', shell: process.platform === 'win32' })
  if (stdout?.includes(versions[name])) return { bin, version: versions[name] }
  rmSync(dir, { recursive: true, force: true })
  throw new Error(`${name}@${versions[name]} from npm does not run here: ${error?.message ?? (stdout || 'no version')}`)
}

function installedVersion(dir, name) {
  const file = join(dir, 'node_modules', name, 'package.json')
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).version : undefined
}
