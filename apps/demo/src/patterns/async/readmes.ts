import { existsSync, readdirSync } from 'node:fs'

const packages = new URL('../../../../../packages/', import.meta.url)

/** Files of the repository to read: the README of each package. */
export function readmes(): URL[] {
  return readdirSync(packages)
    .map((name) => new URL(`${name}/README.md`, packages))
    .filter((file) => existsSync(file))
}
