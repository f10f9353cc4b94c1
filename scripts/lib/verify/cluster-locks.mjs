import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../root.mjs'
import { listOf } from './times.mjs'

const program = join(root, 'packages', 'cluster-pool', 'test', 'verify', 'lock-process.mjs')

/** Locks that several programs want, and whose holders die or are stopped. */
export async function verifyLocks({ heddle, server, dir, factor, row }) {
  const cluster = await heddle.Cluster.connect({ url: server.url, prefix: 'verify_locks' })
  const kit = { heddle, server, cluster, dir }
  try {
    await row('240 acquisitions by 4 processes', () => contended(kit))
    await row('holders that are killed', () => holdersKilled(kit, 20 * factor))
    await row('a holder that is stopped, and writes late', () => holderStopped(kit))
  } finally {
    await cluster.close()
  }
}

function start({ server, cluster }, args) {
  return spawn(process.execPath, [program, args[0], cluster.prefix, ...args.slice(1).map(String)], {
    env: { ...process.env, HEDDLE_URL: server.url },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
}

async function contended(kit) {
  const dir = join(kit.dir, `contended-${kit.cluster.engine}`)
  mkdirSync(dir)
  const children = Array.from({ length: 4 }, () => start(kit, ['contend', 'contended', 60, dir]))
  const codes = await Promise.all(children.map(async (child) => (await once(child, 'exit'))[0]))
  if (codes.some((code) => code !== 0)) throw new Error(`exit codes ${codes.join(', ')}`)
  if (existsSync(join(dir, 'overlaps'))) throw new Error('two held it at a time')
  const tokens = readFileSync(join(dir, 'tokens'), 'utf8').trim().split('\n').map(BigInt)
  if (tokens.length !== 240) throw new Error(`${tokens.length} of 240`)
  if (tokens.some((token, at) => at > 0 && token <= tokens[at - 1]))
    throw new Error('a token was not higher than the last')
  return 'never two holders, every token higher than the last'
}

const leaseMs = 1_000

async function holdersKilled(kit, count) {
  const { heddle, cluster } = kit
  const lock = new heddle.ClusterLock(cluster, 'killed', { lease: leaseMs })
  const took = []
  let last = 0n
  for (let round = 0; round < count; round += 1) {
    const child = start(kit, ['hold', 'killed', leaseMs])
    const [{ token }] = await once(child, 'message')
    if (BigInt(token) <= last) throw new Error(`token ${token} after ${last}`)
    const begun = performance.now()
    child.kill('SIGKILL')
    const guard = await lock.acquire({ timeout: 10_000 })
    took.push(performance.now() - begun)
    if (guard.token <= BigInt(token)) throw new Error(`token ${guard.token} after ${token}`)
    last = guard.token
    await guard.release()
  }
  const late = took.filter((ms) => ms > leaseMs + 1_200)
  if (late.length > 0)
    throw new Error(`${late.length} of ${count} took longer than ${leaseMs + 1_200} ms: ${listOf(took)}`)
  return `${count} of ${count} handed on within ${leaseMs + 1_200} ms (${listOf(took)})`
}

async function holderStopped(kit) {
  const { heddle, cluster } = kit
  const child = start(kit, ['hold', 'stopped', leaseMs])
  try {
    const [{ token }] = await once(child, 'message')
    child.kill('SIGSTOP')
    const guard = await new heddle.ClusterLock(cluster, 'stopped', { lease: leaseMs }).acquire({ timeout: 10_000 })
    const dict = new heddle.ClusterDict(cluster, 'stopped')
    await dict.set('value', 'next', { fence: guard.token })
    child.kill('SIGCONT')
    child.send('write')
    const [answer] = await once(child, 'message')
    if (answer.wasWritten) throw new Error(`the late write under token ${token} was accepted after ${guard.token}`)
    if (answer.isHeld) throw new Error('the stopped one takes itself for the holder')
    if ((await dict.get('value')) !== 'next') throw new Error('the value was overwritten')
    await guard.release()
    return 'its write is refused, and it knows that it holds the lock no more'
  } finally {
    child.kill('SIGKILL')
  }
}
