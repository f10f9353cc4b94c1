import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { capture } from '../capture.mjs'
import { checkContents, pack } from '../pack.mjs'
import { root } from '../root.mjs'

/** Throws unless what would be published is what is committed, all its changes have versions, and npm knows who we are. */
export async function readyToPublish(signal) {
  const changed = await ask('git', ['status', '--porcelain'], signal)
  if (changed !== '') throw new Error(`not committed:\n${changed}`)
  const branch = await ask('git', ['branch', '--show-current'], signal)
  if (branch !== 'main') throw new Error(`releases are made from main, and this is ${branch || 'no branch'}`)
  const pending = pendingChangesets(root)
  if (pending.length > 0) throw new Error(`not applied yet: ${pending.join(', ')}; see \`npm run version-packages\``)
  await ask('npm', ['whoami'], signal)
}

/** The folders of the packages that are for others. */
export function publishable(repository) {
  const packages = join(repository, 'packages')
  return readdirSync(packages).filter(
    (folder) => !JSON.parse(readFileSync(join(packages, folder, 'package.json'), 'utf8')).private,
  )
}

/** The changes that have no version yet. */
export function pendingChangesets(repository) {
  return readdirSync(join(repository, '.changeset')).filter((name) => name.endsWith('.md') && name !== 'README.md')
}

/**
 * Packs all that would be published, and throws if one of them is not whole, holds something else, or says nothing of its version
 * in its changelog. Resolves with name → version.
 */
export async function packAll(repository, destination, signal) {
  mkdirSync(destination)
  const versions = new Map()
  for (const folder of publishable(repository)) {
    const dir = join(repository, 'packages', folder)
    const { name, version } = JSON.parse(readFileSync(join(dir, 'package.json'), 'utf8'))
    const packed = await pack(folder, destination, { repository, signal })
    checkContents(packed)
    const changelog = existsSync(join(dir, 'CHANGELOG.md')) ? readFileSync(join(dir, 'CHANGELOG.md'), 'utf8') : ''
    if (version !== '0.0.0' && !changelog.includes(`\n## ${version}\n`))
      throw new Error(`the changelog of ${name} says nothing of ${version}`)
    versions.set(name, version)
    console.log(`ok    ${name} ${version} is packed whole (${packed.files.length} files)`)
  }
  return versions
}

/** What a command prints; rejects with what it says if it fails. */
export async function ask(command, args, signal, { cwd = root, env, timeout = 240_000 } = {}) {
  const { ending, stdout, stderr } = await capture(command, args, { cwd, signal, timeout, ...(env && { env }) })
  if (ending !== 0) throw new Error(`${command} ${args[0]} ended with ${ending}\n${stdout}${stderr}`)
  return stdout.trim()
}
