import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../root.mjs'

/** The packages of the workspace with the path, from the root, of what each exports under its own name. */
export function listPackages() {
  return readdirSync(join(root, 'packages'))
    .filter((folder) => existsSync(join(root, 'packages', folder, 'package.json')))
    .map((folder) => {
      const { name, exports } = JSON.parse(readFileSync(join(root, 'packages', folder, 'package.json'), 'utf8'))
      return { folder, name, main: join('packages', folder, exports['.'].default).replaceAll('\\', '/') }
    })
}

/** Those that have portable cases, with the path of the module that lists them. */
export function listPortable() {
  return listPackages()
    .map((each) => ({ ...each, index: `packages/${each.folder}/test/portable/index.js` }))
    .filter(({ index }) => existsSync(join(root, index)))
}
