import { randomBytes } from 'node:crypto'
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { canReach, type SystemUser } from './system-user.js'

/** The folder of one server. */
export interface DataFolder {
  readonly path: string
  readonly isTemporary: boolean
  readonly password: string
}

/** Says whose folder it is, and keeps the password: a PostgreSQL knows no other than the one that it was made with. */
const label = 'local-server.json'
const lock = 'lock'

/**
 * Makes the folder, or takes the one of an earlier server. Only the user may look into it.
 *
 * @param path - undefined: a new temporary one
 * @throws (rejects) Error: it cannot be made, another server uses it, or it holds something else
 */
export async function openDataFolder(
  engine: string,
  path: string | undefined,
  user: SystemUser | undefined,
): Promise<DataFolder> {
  const isTemporary = path === undefined
  const folder = path ?? (await mkdtemp(join(await temporaryRoot(user), `heddle-${engine}-`)))
  try {
    if (!isTemporary) await enter(folder, engine)
    await chmod(folder, 0o700)
    if (user) {
      await chown(folder, user.uid, user.gid)
      if (!(await canReach(user, folder)))
        throw new Error(`the server runs as ${user.name}, who cannot reach the folder ${folder}: choose another one`)
    }
    const { password } = (await labelOf(folder)) ?? (await newLabel(folder, engine))
    return { path: folder, isTemporary, password }
  } catch (error) {
    if (isTemporary) await rm(folder, { recursive: true, force: true })
    throw error
  }
}

/** Removes the folder if it is temporary, and otherwise lets another server have it. */
export async function leaveDataFolder({ path, isTemporary }: DataFolder): Promise<void> {
  if (!isTemporary) await rm(join(path, lock), { force: true })
  // Processes of a server that was killed may write for a moment still.
  else await rm(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
}

/** Writes down who uses the folder: if we are killed, its server may live on. */
export async function signDataFolder({ path, isTemporary }: DataFolder, serverPid: number): Promise<void> {
  if (!isTemporary) await writeFile(join(path, lock), `${process.pid} ${serverPid}`)
}

/** The first folder for temporary files that the user can reach. */
export async function temporaryRoot(user: SystemUser | undefined): Promise<string> {
  if (!user) return tmpdir()
  for (const folder of [tmpdir(), '/tmp', '/var/tmp'])
    if (await canReach(user, folder).catch(() => false)) return folder
  throw new Error(`the server runs as ${user.name}, who cannot reach the folder for temporary files, ${tmpdir()}`)
}

async function enter(folder: string, engine: string): Promise<void> {
  await mkdir(dirname(folder), { recursive: true })
  await mkdir(folder, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
  })
  const of = (await labelOf(folder))?.engine
  if (of === undefined && (await readdir(folder)).length > 0)
    throw new Error(`the folder ${folder} is not empty, and what is in it was not made by a LocalServer`)
  if (of !== undefined && of !== engine) throw new Error(`the folder ${folder} has the data of another engine: ${of}`)
  await takeLock(join(folder, lock))
}

/** Redis has no lock of its own, and two of them would ruin each other's file. */
async function takeLock(file: string): Promise<void> {
  for (;;)
    try {
      await writeFile(file, `${process.pid}`, { flag: 'wx', mode: 0o600 })
      return
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      const holder = (await readFile(file, 'utf8').catch(() => '')).split(' ').map(Number).find(isAlive)
      if (holder) throw new Error(`process ${holder} uses this folder; if that is no server of ours, remove ${file}`)
      await rm(file, { force: true })
    }
}

function isAlive(pid: number): boolean {
  try {
    return pid > 0 && process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

interface Label {
  readonly engine: string
  readonly password: string
}

async function labelOf(folder: string): Promise<Label | undefined> {
  try {
    return JSON.parse(await readFile(join(folder, label), 'utf8'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

async function newLabel(folder: string, engine: string): Promise<Label> {
  // Letters that mean themselves in an address and in a configuration file.
  const made = { engine, password: randomBytes(24).toString('hex') }
  await writeFile(join(folder, label), JSON.stringify(made), { mode: 0o600 })
  return made
}
