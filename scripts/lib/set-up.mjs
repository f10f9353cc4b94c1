import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { withLock } from './lock.mjs'
import { run } from './processes.mjs'
import { root } from './root.mjs'

const minimum = [20, 19]
export const tools = join(root, '.tools')

const readJson = (file) => JSON.parse(readFileSync(file, 'utf8'))

/** The folders of the workspace's packages and apps. */
function listWorkspaces() {
  return ['packages', 'apps']
    .map((folder) => join(root, folder))
    .filter((folder) => existsSync(folder))
    .flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)))
    .filter((dir) => existsSync(join(dir, 'package.json')))
}

/**
 * Installs what is missing and nothing else: the pinned pnpm into `.tools/`, then the workspace when its lockfile or a
 * package.json has changed. A repeated call needs no network and takes a few milliseconds. `workspace: false` leaves out
 * the workspace, for the commands that change the lockfile themselves.
 */
export async function setUp({ workspace = true } = {}) {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major < minimum[0] || (major === minimum[0] && minor < minimum[1]))
    fail(`Heddle needs Node ${minimum.join('.')} or newer; this is ${process.version}`)

  process.env.PATH = [
    join(root, 'node_modules', '.bin'),
    join(tools, 'node_modules', '.bin'),
    process.env.PATH ?? '',
  ].join(delimiter)
  process.env.TURBO_TELEMETRY_DISABLED = '1'
  process.env.TURBO_NO_UPDATE_NOTIFIER = '1'
  process.env.NODE_UNDER_TEST = process.version // turbo does not hash the Node version by itself

  const steps = workspace ? [pnpmStep, workspaceStep] : [pnpmStep]
  // Asked once without the lock, which is the whole set-up of all runs but the first, and once more under it.
  if (steps.every((step) => isDone(step()))) return listWorkspaces()
  await withLock(join(tools, '.set-up.lock'), async () => {
    for (const step of steps) await complete(step())
  })
  return listWorkspaces()
}

/*
 * A step is done when its stamp holds what it wants. The stamp goes before the step begins and comes back after it has
 * ended well: a step that was cut short is done again.
 */
function isDone({ stamp, wanted }) {
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted
}

async function complete(step) {
  if (isDone(step)) return
  rmSync(step.stamp, { force: true })
  const code = await run(step.command, step.args, { stdoutToStderr: true })
  if (code !== 0) fail(`${step.command} install failed with exit code ${code}${step.hint ?? ''}`, code)
  writeFileSync(step.stamp, step.wanted)
}

function pnpmStep() {
  const { packageManager } = readJson(join(root, 'package.json'))
  return {
    stamp: join(tools, 'node_modules', '.pnpm-stamp'),
    wanted: `${packageManager} ${process.platform} ${process.arch}`,
    ...npmInstall(tools, packageManager),
  }
}

/** The npm command that installs one package into a folder of its own and leaves no trace in any package.json. */
export function npmInstall(dir, name) {
  const quiet = ['--no-save', '--no-package-lock', '--no-audit', '--no-fund', '--loglevel=error']
  return { command: 'npm', args: ['install', '--prefix', dir, ...quiet, name] }
}

function workspaceStep() {
  const hash = createHash('sha256').update(`${process.platform} ${process.arch}\n`)
  for (const file of ['pnpm-lock.yaml', 'pnpm-workspace.yaml', 'package.json']) {
    if (!existsSync(join(root, file))) fail(`${file} is missing from ${root}: bring it back with git checkout ${file}`)
    hash.update(readFileSync(join(root, file)))
  }
  for (const dir of listWorkspaces()) hash.update(readFileSync(join(dir, 'package.json')))
  return {
    stamp: join(root, 'node_modules', '.setup-stamp'),
    wanted: hash.digest('hex'),
    command: 'pnpm',
    args: ['install', '--frozen-lockfile', '--prefer-offline', '--reporter=append-only', '--loglevel=warn'],
    hint: '\nafter a change of dependencies: node scripts/run.mjs -- pnpm install --fix-lockfile',
  }
}

function fail(message, code = 1) {
  console.error(message)
  process.exit(code)
}
