import { readFile, stat } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Somebody else than us, as whom a program is to run. */
export interface SystemUser {
  readonly name: string
  readonly uid: number
  readonly gid: number
}

/** PostgreSQL asks the system for the name of its user, so a number without a name would not do. */
const candidates = ['postgres', '_postgres', 'nobody']

/**
 * As whom PostgreSQL runs: it refuses to run as root. Undefined where we are not root, and can run it ourselves.
 *
 * @throws (rejects) Error: we are root, and the system has none of the users
 */
export async function postgresUser(): Promise<SystemUser | undefined> {
  if (process.geteuid?.() !== 0) return undefined
  const users = (await readFile('/etc/passwd', 'utf8').catch(() => '')).split('\n').map((line) => line.split(':'))
  for (const candidate of candidates)
    for (const [name, , uid, gid] of users)
      if (name === candidate && Number(uid) > 0 && Number(gid) >= 0) return { name, uid: Number(uid), gid: Number(gid) }
  throw new Error(
    'PostgreSQL refuses to run as root, and this system has neither a user postgres nor a user nobody: run the program as another user',
  )
}

/** Whether the user may go through all folders to this one and into it, as far as their modes tell. */
export async function canReach(user: SystemUser, folder: string): Promise<boolean> {
  const { mode, uid, gid } = await stat(folder)
  const bit = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001
  if (!(mode & bit)) return false
  const parent = dirname(folder)
  return parent === folder || canReach(user, parent)
}
