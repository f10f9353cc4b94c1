import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { capture } from './capture.mjs'
import { root } from './root.mjs'

/**
 * Packs a package of `packages/`, in this repository or in a copy of it, into `destination` as it would be published. Resolves
 * with the tarball, its files, the package's name, what its `exports` names, and its dependencies on other packages of this
 * repository.
 */
export async function pack(folder, destination, { repository = root, signal }) {
  const dir = join(repository, 'packages', folder)
  const {
    name,
    dependencies = {},
    optionalDependencies = {},
    exports,
  } = JSON.parse(readFileSync(join(dir, 'package.json'), 'utf8'))
  const args = ['pack', '--pack-destination', destination, '--json', '-C', dir]
  const { ending, stdout, stderr } = await capture('pnpm', args, { cwd: repository, signal })
  if (ending !== 0) throw new Error(`pnpm pack of ${name} ended with ${ending}\n${stdout}${stderr}`)
  const { filename, files } = JSON.parse(stdout)
  const siblings = Object.keys({ ...dependencies, ...optionalDependencies }).filter((each) =>
    each.startsWith('@heddle/'),
  )
  return { name, tarball: filename, files: files.map(({ path }) => path), targets: targets(exports), siblings }
}

/** Throws unless a packed package holds all that belongs into it and nothing else. */
export function checkContents({ files, targets }) {
  const missing = ['README.md', 'LICENSE', ...targets].filter((path) => !files.includes(path))
  if (missing.length > 0) throw new Error(`missing: ${missing.join(', ')}`)
  const strange = files.filter((path) => !/^(dist|src)\/|^(package\.json|[A-Z]+(\.md)?)$/.test(path))
  if (strange.length > 0) throw new Error(`not for publishing: ${strange.join(', ')}`)
  const stale = files.filter((path) => {
    const module = /^dist\/(.*)\.d\.ts$/.exec(path)?.[1]
    return module !== undefined && !files.includes(`src/${module}.ts`)
  })
  if (stale.length > 0) throw new Error(`without a source any more: ${stale.join(', ')}; remove dist/ and build again`)
}

/** Every file that `exports` names. */
function targets(exports) {
  if (typeof exports === 'string') return [exports.replace(/^\.\//, '')]
  return Object.values(exports ?? {}).flatMap(targets)
}
