// test-node.mjs <major> [<major>...] [turbo arguments]: `npm test` under other versions of Node.
//
// Each version comes from npm into `.tools/node<major>` and stays there. It goes first on the PATH, so that the threads and
// child processes that the tests start run on it as well. Ends with the first exit code that is not 0.
import { spawnSync } from 'node:child_process'
import { existsSync, rmSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { withLock } from './lib/lock.mjs'
import { run, stopRequested } from './lib/processes.mjs'
import { root } from './lib/root.mjs'
import { npmInstall, tools } from './lib/set-up.mjs'

const oldest = 20
const names = { win32: 'win' } // what npm's packages of Node call a platform, where it differs from process.platform

const { majors, rest } = parse(process.argv.slice(2))
const codes = new Map()
for (const major of majors) if (stopRequested() === undefined) codes.set(major, await test(major))
if (codes.size > 1) {
  console.log()
  for (const [major, code] of codes)
    console.log(`Node ${major}: ${code === 0 ? 'passed' : `failed, exit code ${code}`}`)
}
process.exitCode = [...codes.values()].find((code) => code !== 0) ?? 0

async function test(major) {
  const dir = join(tools, `node${major}`)
  const name = `node-${names[process.platform] ?? process.platform}-${process.arch}`
  const bin = join(dir, 'node_modules', name, 'bin')
  const node = join(bin, process.platform === 'win32' ? 'node.exe' : 'node')
  if (versionOf(node, major) === undefined)
    await withLock(join(tools, `.node${major}.lock`), async () => {
      if (versionOf(node, major) !== undefined) return
      rmSync(dir, { recursive: true, force: true })
      const { command, args } = npmInstall(dir, `${name}@${major}`)
      await run(command, args, { stdoutToStderr: true })
    })
  if (stopRequested() !== undefined) return stopRequested()
  const version = versionOf(node, major)
  if (version === undefined) {
    rmSync(dir, { recursive: true, force: true })
    console.error(`npm has no package ${name}@${major} that runs here: cannot test with Node ${major}`)
    return 1
  }
  console.log(`\n> Node ${version}`)
  const before = process.env.PATH
  process.env.PATH = [bin, before ?? ''].join(delimiter)
  try {
    return await run(node, [join(root, 'scripts', 'run.mjs'), 'test', ...rest])
  } finally {
    process.env.PATH = before
  }
}

function versionOf(node, major) {
  if (!existsSync(node)) return undefined
  const { stdout } = spawnSync(node, ['--version'], { encoding: 'utf8' })
  return stdout?.startsWith(`v${major}.`) ? stdout.trim() : undefined
}

function parse(args) {
  const end = args.findIndex((argument) => argument.startsWith('-'))
  const given = end === -1 ? args : args.slice(0, end)
  const wrong = given.find((argument) => !/^[1-9]\d*$/.test(argument) || Number(argument) < oldest)
  if (given.length === 0 || wrong !== undefined) {
    console.error(
      [
        wrong === undefined ? 'which version of Node?' : `not a major version of Node that Heddle runs on: ${wrong}`,
        `usage: npm run test:node -- <major ${oldest} or newer>... [turbo arguments], for example 24 --filter=@heddle/codec`,
      ].join('\n'),
    )
    process.exit(2)
  }
  return { majors: [...new Set(given)], rest: end === -1 ? [] : args.slice(end) }
}
