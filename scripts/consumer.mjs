// consumer.mjs <package>...: what somebody gets who installs a package of this repository from npm.
//
// Packs each package as it would be published and installs it alone into a new project outside the repository. There the
// package has to load, and the README's example has to print what the README promises: as JavaScript, and as TypeScript
// under strict options. Packages are named by folder (`codec`) or by name (`@heddle/codec`), and have to be built.
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { capture } from './lib/capture.mjs'
import { compile, tsc6, tsc7 } from './lib/compile.mjs'
import { checkClosure, installAlone } from './lib/consumer-project.mjs'
import { expectSame, promisedOutput, readExample, runFile, writeAsJavaScript } from './lib/examples.mjs'
import { checkContents, pack } from './lib/pack.mjs'
import { exitCodeOf } from './lib/processes.mjs'
import { root } from './lib/root.mjs'
import { setUp } from './lib/set-up.mjs'

const atOnce = 2

await setUp()
// Packages that the tools of this repository may find are no part of the consumer's project.
Object.assign(process.env, { NODE_PATH: '' })

const asked = process.argv.slice(2).map((name) => name.replace(/^@heddle\//, ''))
const unknown = asked.filter((folder) => !existsSync(join(root, 'packages', folder, 'package.json')))
if (asked.length === 0 || unknown.length > 0) {
  console.error(asked.length === 0 ? 'which packages?' : `no such package: ${unknown.join(', ')}`)
  process.exit(2)
}

const stop = new AbortController()
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(name, () => stop.abort(name))
const { signal } = stop

const counts = { passed: 0, failed: 0 }
const packing = new Map()
const compiled = new Set()
const work = mkdtempSync(join(realpathSync(tmpdir()), 'heddle-consumer-'))
// However this process ends.
process.once('exit', () => rmSync(work, { recursive: true, force: true, maxRetries: 3 }))
try {
  mkdirSync(join(work, 'tarballs'))
  const storeDir = await findStore()
  const waiting = [...new Set(asked)]
  const lane = async () => {
    for (let folder = waiting.shift(); folder !== undefined; folder = waiting.shift())
      await checkPackage(folder, storeDir)
  }
  // All lanes end before the folder goes, also when one of them was stopped.
  for (const { status, reason } of await Promise.allSettled(Array.from({ length: atOnce }, lane)))
    if (status === 'rejected') throw reason
  if (compiled.size > 0) await checkWithOlderCompiler()
  console.log(`\n${counts.passed} passed, ${counts.failed} failed`)
  process.exitCode = counts.failed > 0 || counts.passed === 0 ? 1 : 0
} catch (error) {
  if (!signal.aborted) throw error
  process.exitCode = exitCodeOf(signal.reason)
}

/** Each check is one line and one count. */
function checkOf(folder) {
  const name = `@heddle/${folder}`
  return async (claim, work) => {
    signal.throwIfAborted()
    try {
      const detail = await work()
      counts.passed += 1
      console.log(`ok    ${name}: ${claim}${detail === undefined ? '' : ` (${detail})`}`)
      return true
    } catch (error) {
      signal.throwIfAborted()
      counts.failed += 1
      console.log(`FAIL  ${name}: ${claim}\n      ${error.message.trimEnd().replaceAll('\n', '\n      ')}`)
      return false
    }
  }
}

/** What cannot succeed after another check has failed is not tried. */
async function checkPackage(folder, storeDir) {
  const name = `@heddle/${folder}`
  const check = checkOf(folder)
  const source = join(root, 'packages', folder)
  const dir = join(work, folder)
  const packed = await check('is packed whole', async () => {
    const { files, ...rest } = await packOnce(folder)
    checkContents({ files, ...rest })
    return `${files.length} files`
  })
  const installs = await check('installs alone', async () => {
    const installed = await installAlone(dir, await packOnce(folder), await packSiblings(folder), { storeDir, signal })
    checkClosure(dir, name, installed)
    return `${installed.size} ${installed.size === 1 ? 'package' : 'packages'}`
  })
  const loads = installs && (await check('loads by require and by import', () => load(dir, name)))
  let promised
  const quoted = await check('its README quotes its example', () => {
    if (!existsSync(join(source, 'examples', 'main.ts'))) throw new Error('examples/main.ts is missing')
    if (!existsSync(join(source, 'README.md'))) throw new Error('README.md is missing')
    promised = promisedOutput(source)
  })
  if (!packed || !loads || !quoted) return
  await check('the example in JavaScript prints what is promised', async () => {
    writeAsJavaScript(source, join(dir, 'javascript'))
    expectSame(await runFile(join(dir, 'javascript', 'main.js'), dir, { signal }), promised)
  })
  await check('the example in TypeScript compiles and prints what is promised', async () => {
    const project = join(dir, 'typescript')
    mkdirSync(project)
    for (const file of readExample(source)) writeFileSync(join(project, file.name), file.source)
    compiled.add(folder)
    await compile(tsc7, project, { rootDir: '.', outDir: 'out' }, ['*.ts'], { signal })
    expectSame(await runFile(join(project, 'out', 'main.js'), dir, { signal }), promised)
  })
}

/**
 * The older compiler sees the same files. It takes several seconds for the types of Node and of the language alone, so it
 * sees all packages in one program; each message begins with the folder of its package.
 */
async function checkWithOlderCompiler() {
  const result = compile(
    tsc6,
    work,
    { noEmit: true },
    [...compiled].map((folder) => `${folder}/typescript/*.ts`),
    { signal },
  )
  const messages = await result.then(
    () => [],
    (error) => {
      signal.throwIfAborted()
      const [ending, ...rest] = error.message.split(/\n(?=\S)/)
      return rest.length > 0 ? rest : [ending]
    },
  )
  const known = messages.every((message) => compiled.has(message.slice(0, message.indexOf('/'))))
  for (const folder of compiled)
    await checkOf(folder)('the example in TypeScript compiles with TypeScript 6 as well', () => {
      const own = known ? messages.filter((message) => message.startsWith(`${folder}/`)) : messages
      if (own.length > 0) throw new Error(own.join('\n'))
    })
}

function packOnce(folder) {
  let packed = packing.get(folder)
  if (packed === undefined) {
    packed = pack(folder, join(work, 'tarballs'), { signal })
    packing.set(folder, packed)
  }
  return packed
}

async function packSiblings(folder, found = new Map()) {
  for (const name of (await packOnce(folder)).siblings) {
    if (found.has(name)) continue
    const sibling = name.replace(/^@heddle\//, '')
    found.set(name, await packOnce(sibling))
    await packSiblings(sibling, found)
  }
  return [...found.values()]
}

async function load(dir, name) {
  const script = `
    const required = require('${name}')
    import('${name}').then((imported) => {
      if (required !== imported) throw new Error('require and import give two different modules')
      console.log(Object.keys(imported).length)
    })`
  writeFileSync(join(dir, 'load.cjs'), script)
  const names = Number(await runFile(join(dir, 'load.cjs'), dir, { signal }))
  if (!(names > 0)) throw new Error('the package exports nothing')
  return `${names} exports`
}

/** The store that the repository's own install uses, wherever the temporary folder is. */
async function findStore() {
  const { ending, stdout, stderr } = await capture('pnpm', ['store', 'path'], { cwd: root, signal })
  if (ending !== 0) throw new Error(`pnpm store path ended with ${ending}\n${stdout}${stderr}`)
  return stdout.trim()
}
