import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { FoundRedis } from './keeper-message.js'
import type { ServerKind } from './server-command.js'

/** Redis or Valkey, which take the same configuration. It comes by the standard input, as it has the password. */
export function redisKind({ program }: FoundRedis): ServerKind {
  return {
    user: undefined,
    endSignal: 'SIGTERM',
    initialise: async ({ path }) => {
      const data = join(path, 'data')
      await mkdir(data, { recursive: true, mode: 0o700 })
      return data
    },
    command: (port, { password }) => ({
      program,
      args: ['-'],
      // Its folder is the one that it is started in: a path would have to be quoted.
      input: `${[
        'bind 127.0.0.1',
        `port ${port}`,
        'protected-mode yes',
        `requirepass ${password}`,
        'appendonly yes',
        'appendfsync everysec',
        'save ""',
        'maxmemory-policy noeviction',
        'daemonize no',
      ].join('\n')}\n`,
    }),
  }
}
