import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { capture } from './capture.mjs'

/**
 * Makes a project that depends on one packed package and installs it. Its sibling packages come from their own tarballs,
 * the rest from the registry or from `storeDir`. Resolves with the installed packages: name → its package.json.
 */
export async function installAlone(dir, packed, siblings, { storeDir, signal }) {
  mkdirSync(dir, { recursive: true })
  const manifest = { private: true, type: 'module', dependencies: { [packed.name]: `file:${packed.tarball}` } }
  writeFileSync(join(dir, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
  const overrides = siblings.map(({ name, tarball }) => `  '${name}': 'file:${tarball}'\n`).join('')
  // Without hoisting a package finds only what it declares itself.
  const workspace = `packages: ['.']\nhoist: false\n${overrides === '' ? '' : `overrides:\n${overrides}`}`
  writeFileSync(join(dir, 'pnpm-workspace.yaml'), workspace)

  const flags = ['--prefer-offline', '--ignore-scripts', '--no-frozen-lockfile', '--store-dir', storeDir]
  const quiet = ['--reporter=append-only', '--loglevel=warn']
  const { ending, stdout, stderr } = await capture('pnpm', ['install', ...flags, ...quiet], { cwd: dir, signal })
  if (ending !== 0) throw new Error(`pnpm install ended with ${ending}\n${stdout}${stderr}`)
  return readInstalled(dir)
}

/**
 * Throws unless the install holds what the package declares, what that declares in turn, and nothing else, and unless all
 * native code in it comes by an optional dependency, its own or one of what it depends on: then it can be left out.
 */
export function checkClosure(dir, name, installed) {
  const reachable = (from, kinds) => {
    const seen = new Set()
    const visit = (each) => {
      if (seen.has(each)) return
      seen.add(each)
      for (const kind of kinds) for (const next of Object.keys(installed.get(each)?.manifest[kind] ?? {})) visit(next)
    }
    for (const each of from) visit(each)
    return seen
  }
  const required = reachable([name], ['dependencies'])
  const allowed = reachable([name], ['dependencies', 'optionalDependencies'])
  const missing = [...required].filter((each) => !installed.has(each))
  if (missing.length > 0) throw new Error(`not installed: ${missing.join(', ')}`)
  const undeclared = [...installed.keys()].filter((each) => !allowed.has(each))
  if (undeclared.length > 0) throw new Error(`installed and declared by nobody: ${undeclared.join(', ')}`)

  const onTop = listPackages(join(dir, 'node_modules')).map(({ name: each }) => each)
  if (onTop.join() !== name) throw new Error(`the project can import ${onTop.join(', ')} instead of ${name} alone`)
  const native = [...installed.values()].filter((each) => isNative(each)).map(({ manifest }) => manifest.name)
  const forced = native.filter((each) => required.has(each))
  if (forced.length > 0) throw new Error(`native code that nobody can leave out: ${forced.join(', ')}`)
}

function readInstalled(dir) {
  const store = join(dir, 'node_modules', '.pnpm')
  const installed = new Map()
  // A package is a folder here; what it depends on are links beside it.
  for (const entry of readdirSync(store, { withFileTypes: true }))
    for (const { name, path, isLink } of entry.isDirectory()
      ? listPackages(join(store, entry.name, 'node_modules'))
      : [])
      if (!isLink) installed.set(name, { path, manifest: JSON.parse(readFileSync(join(path, 'package.json'), 'utf8')) })
  return installed
}

function listPackages(dir) {
  if (!existsSync(dir)) return []
  return readdirSync(dir, { withFileTypes: true })
    .filter(({ name }) => !name.startsWith('.'))
    .flatMap((entry) =>
      entry.name.startsWith('@') && entry.isDirectory()
        ? listPackages(join(dir, entry.name)).map((inner) => ({ ...inner, name: `${entry.name}/${inner.name}` }))
        : [{ name: entry.name, path: join(dir, entry.name), isLink: entry.isSymbolicLink() }],
    )
}

function isNative({ path, manifest }) {
  const { os, cpu, libc, gypfile, scripts = {} } = manifest
  if (os !== undefined || cpu !== undefined || libc !== undefined || gypfile === true) return true
  if (['preinstall', 'install', 'postinstall'].some((script) => script in scripts)) return true
  return readdirSync(path, { recursive: true }).some((file) => /\.node$|(^|[\\/])binding\.gyp$/.test(file))
}
