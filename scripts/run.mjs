// The one entry of the root scripts: installs what is missing, builds what changed, then does the job.
//
//   run.mjs test|coverage|build|check|consumer [turbo arguments]
//   run.mjs demo|bench [the app's own arguments]
//   run.mjs -- <command> [arguments]        any command, with the pinned pnpm and the workspace's tools on the PATH
//
// turbo only builds and tests. The apps are started from here with inherited stdio, so that they have a terminal,
// print nothing but their own output, and hand on their signals and their exit code.
import { rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { run, stopRequested } from './lib/processes.mjs'
import { root } from './lib/root.mjs'
import { setUp } from './lib/set-up.mjs'
import { summarize } from './lib/summary.mjs'

const [task, ...args] = process.argv.slice(2)
const apps = ['demo', 'bench']

if (task === undefined || (task === '--' && args.length === 0)) {
  console.error('usage: run.mjs <task> [arguments] | run.mjs -- <command> [arguments]')
  process.exit(2)
}

// pnpm may be asked to change the very lockfile that the set-up would insist on.
const workspaces = await setUp({ workspace: !(task === '--' && args[0] === 'pnpm') })

if (task === '--') process.exitCode = await run(args[0], args.slice(1))
else if (apps.includes(task)) process.exitCode = await runApp(task, args)
else if (task === 'check') process.exitCode = await check(args)
else if (task === 'consumer') process.exitCode = await consumer(args)
else process.exitCode = await turbo(task, args)

async function turbo(name, turboArgs) {
  const counts = name === 'test' || name === 'coverage'
  if (counts) for (const dir of workspaces) rmSync(join(dir, '.results'), { recursive: true, force: true })
  const code = await run('turbo', [
    'run',
    name,
    ...(counts ? ['--continue=dependencies-successful'] : []),
    ...turboArgs,
  ])
  if (stopRequested() !== undefined) return stopRequested()
  const partial = turboArgs.some((argument) => /^(--filter|-F)/.test(argument))
  return counts ? summarize(workspaces, code, partial) : code
}

async function build(app) {
  // Not a word when all goes well: with `--json` the app's own output is all there is.
  const note = setTimeout(() => console.error('building …'), 700)
  const code = await run('turbo', ['run', 'build', `--filter=@heddle/${app}...`], { quietly: true })
  clearTimeout(note)
  return code
}

async function runApp(app, appArgs) {
  const code = await build(app)
  if (code !== 0) return code
  // npm changes to the root and says here where the user was, to whom a path on the command line is relative.
  const cwd = process.env.INIT_CWD ?? process.cwd()
  return await run(process.execPath, [join(root, 'apps', app, 'dist', 'main.js'), ...appArgs], { cwd })
}

async function check(turboArgs) {
  const steps = [
    { command: 'turbo', args: ['run', 'build', 'typecheck', 'package-check', ...turboArgs] },
    { command: 'biome', args: ['ci', '--colors=off', '--error-on-warnings', '.'] },
    { command: 'oxlint', args: ['--type-aware', '--deny-warnings'] },
    { command: 'knip', args: [] },
    { command: process.execPath, args: [join(root, 'scripts', 'check-lockfile.mjs')] },
  ]
  for (const step of steps) {
    console.error(`> ${[step.command, ...step.args].join(' ')}`)
    const code = await run(step.command, step.args)
    if (code !== 0) return code
  }
  return 0
}

async function consumer(names) {
  const packages = workspaces.filter((dir) => basename(dirname(dir)) === 'packages').map((dir) => basename(dir))
  const code = await run('turbo', ['run', 'build', '--filter=./packages/*', '--output-logs=errors-only'])
  if (code !== 0) return code
  return await run(process.execPath, [join(root, 'scripts', 'consumer.mjs'), ...(names.length > 0 ? names : packages)])
}
