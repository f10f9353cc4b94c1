import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The version of an installed package, whether or not its `exports` name its package.json. */
export function versionOf(name: string): string {
  for (let dir = dirname(fileURLToPath(import.meta.resolve(name))); dir !== dirname(dir); dir = dirname(dir)) {
    try {
      const manifest = JSON.parse(readFileSync(join(dir, 'package.json'), 'utf8'))
      if (manifest.name === name) return manifest.version
    } catch {
      // No package.json here: look one folder up.
    }
  }
  throw new Error(`${name} is not installed`)
}
