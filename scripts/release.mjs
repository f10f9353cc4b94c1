// release.mjs [--dry-run]: publishes every package whose version the registry does not have yet.
//
// With --dry-run it is rehearsed: everything is built, packed and looked through, and the very command that publishes is run
// against a registry of its own on the loopback. Then a new project outside the repository installs @heddle/worker-pool from
// there, and nothing else, and runs its quick start, in JavaScript and in TypeScript. Nothing leaves this machine.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { capture } from './lib/capture.mjs'
import { compile, tsc7 } from './lib/compile.mjs'
import { promisedOutput, readExample, runFile, writeAsJavaScript } from './lib/examples.mjs'
import { checkContents, pack } from './lib/pack.mjs'
import { exitCodeOf, run } from './lib/processes.mjs'
import { openRegistry } from './lib/registry.mjs'
import { root } from './lib/root.mjs'
import { setUp } from './lib/set-up.mjs'

const scope = '@heddle'
const tried = 'worker-pool'

const args = process.argv.slice(2)
const isRehearsal = args.includes('--dry-run')
if (args.some((argument) => argument !== '--dry-run')) {
  console.error('usage: npm run release [-- --dry-run]')
  process.exit(2)
}

await setUp()
// What a module that is gone has left there would be published as well.
for (const folder of readdirSync(join(root, 'packages')))
  rmSync(join(root, 'packages', folder, 'dist'), { recursive: true, force: true })
const built = await run('turbo', ['run', 'build', '--filter=./packages/*', '--output-logs=errors-only'])
if (built !== 0) process.exit(built)

const pending = readdirSync(join(root, '.changeset')).filter((name) => name.endsWith('.md') && name !== 'README.md')
if (pending.length > 0) {
  console.error(
    `not applied yet: ${pending.join(', ')}; \`npm run version-packages\` makes versions and changelogs of them`,
  )
  if (!isRehearsal) process.exit(1)
}

process.exitCode = isRehearsal ? await rehearse() : await run('changeset', ['publish'])

async function rehearse() {
  const stop = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(name, () => stop.abort(name))
  const { signal } = stop
  // Packages that the tools of this repository may find are no part of the new project.
  Object.assign(process.env, { NODE_PATH: '' })
  const work = mkdtempSync(join(realpathSync(tmpdir()), 'heddle-release-'))
  process.once('exit', () => rmSync(work, { recursive: true, force: true, maxRetries: 3 }))
  let registry
  try {
    registry = await openRegistry(scope, await upstreamRegistry(signal))
    const versions = await packAll(join(work, 'tarballs'), signal)
    await publish(registry, work, versions, signal)
    await tryOut(registry, join(work, 'project'), versions, signal)
    console.log('\nthe rehearsal went well: nothing was published')
    return 0
  } catch (error) {
    if (signal.aborted) return exitCodeOf(signal.reason)
    console.error(`FAIL  ${error.message}`)
    return 1
  } finally {
    registry?.close()
  }
}

/** Name → version of all that would be published. */
async function packAll(destination, signal) {
  mkdirSync(destination)
  const versions = new Map()
  for (const folder of readdirSync(join(root, 'packages'))) {
    const dir = join(root, 'packages', folder)
    const { name, version, private: isPrivate } = JSON.parse(readFileSync(join(dir, 'package.json'), 'utf8'))
    if (isPrivate) continue
    const packed = await pack(folder, destination, { signal })
    checkContents(packed)
    const changelog = existsSync(join(dir, 'CHANGELOG.md')) ? readFileSync(join(dir, 'CHANGELOG.md'), 'utf8') : ''
    if (version !== '0.0.0' && !changelog.includes(`\n## ${version}\n`))
      throw new Error(`the changelog of ${name} says nothing of ${version}`)
    versions.set(name, version)
    console.log(`ok    ${name} ${version} is packed whole (${packed.files.length} files)`)
  }
  return versions
}

async function publish(registry, work, versions, signal) {
  const userConfig = join(work, 'npmrc')
  writeFileSync(userConfig, `registry=${registry.url}\n//${new URL(registry.url).host}/:_authToken=rehearsal\n`)
  const env = { ...process.env, npm_config_registry: registry.url, npm_config_userconfig: userConfig }
  const { ending, stdout, stderr } = await capture('changeset', ['publish', '--no-git-tag'], {
    cwd: root,
    env,
    timeout: 240_000,
    signal,
  })
  const missing = [...versions].filter(([name, version]) => !registry.published().get(name)?.includes(version))
  if (ending !== 0 || missing.length > 0)
    throw new Error(
      `not published: ${missing.map(([name]) => name).join(', ')}; it ended with ${ending}\n${stdout}${stderr}`,
    )
  console.log(`ok    changeset publish brings all ${versions.size} of them to the registry`)
}

/** As somebody does who has read about one package. */
async function tryOut(registry, project, versions, signal) {
  const name = `${scope}/${tried}`
  const source = join(root, 'packages', tried)
  const promised = promisedOutput(source)
  mkdirSync(project)
  writeFileSync(join(project, 'package.json'), `${JSON.stringify({ private: true, type: 'module' }, null, 2)}\n`)
  const npm = ['install', name, '--registry', registry.url, '--no-audit', '--no-fund', '--loglevel=error']
  const { ending, stdout, stderr } = await capture('npm', npm, { cwd: project, timeout: 240_000, signal })
  if (ending !== 0) throw new Error(`npm install ${name} ended with ${ending}\n${stdout}${stderr}`)
  const ours = readdirSync(join(project, 'node_modules', scope)).map((folder) => `${scope}/${folder}`)
  const others = readdirSync(join(project, 'node_modules')).filter((folder) => !/^[@.]/.test(folder))
  const { version } = JSON.parse(readFileSync(join(project, 'node_modules', name, 'package.json'), 'utf8'))
  if (version !== versions.get(name)) throw new Error(`npm installed ${name} ${version}, and not ${versions.get(name)}`)
  console.log(`ok    a new project installs ${name} ${version} and gets ${[...ours, ...others].sort().join(', ')}`)

  writeAsJavaScript(source, join(project, 'javascript'))
  expectSame(await runFile(join(project, 'javascript', 'main.js'), project, { signal }), promised)
  console.log('ok    its quick start in JavaScript prints what is promised')

  const typescript = join(project, 'typescript')
  mkdirSync(typescript)
  for (const file of readExample(source)) writeFileSync(join(typescript, file.name), file.source)
  await compile(tsc7, typescript, { rootDir: '.', outDir: 'out' }, ['*.ts'], { signal })
  expectSame(await runFile(join(typescript, 'out', 'main.js'), project, { signal }), promised)
  console.log('ok    and in TypeScript (strict, skipLibCheck: false)')
}

/** Where everything else comes from, as npm is set up here. */
async function upstreamRegistry(signal) {
  const { ending, stdout, stderr } = await capture('npm', ['config', 'get', 'registry'], { cwd: tmpdir(), signal })
  if (ending !== 0) throw new Error(`npm config get registry ended with ${ending}\n${stderr}`)
  return stdout.trim().replace(/\/*$/, '/')
}

function expectSame(printed, promised) {
  if (printed !== promised) throw new Error(`the README promises\n${promised}but the example prints\n${printed}`)
}
