import { setTimeout as delay } from 'node:timers/promises'
import { ClusterError } from '../errors.js'
import { askServer } from './ask-server.js'
import { advice, findPostgres, findRedis } from './find-server.js'
import { freePort, isFree } from './free-port.js'
import type { Keeper } from './keeper.js'
import type { FoundServer, Prepared } from './keeper-message.js'
import type { CheckedOptions, LocalEngine } from './local-server-options.js'
import type { TimeLimit } from './time-limit.js'

/** Milliseconds between two attempts to reach a server that starts. */
const lookMs = 20
/** How often a new port is tried when another program was quicker to take it. */
const portTries = 10
/** Milliseconds in which a server may fail to start again: what is left of a killed PostgreSQL takes a moment to go. */
const restartMs = 10_000
/** Milliseconds between two of these attempts. */
const restartPauseMs = 200

/** A server that one can reach, but for its process. */
export interface Placed {
  readonly engine: LocalEngine
  readonly prepared: Prepared
  readonly port: number
}

/** @throws (rejects) ClusterError `ERR_NO_SERVER`: there is none; the message says what to install */
export async function findServer(engine: LocalEngine | undefined): Promise<FoundServer> {
  const missing: string[] = []
  for (const [of, find] of [['redis', findRedis] as const, ['postgres', findPostgres] as const]) {
    if (engine !== undefined && engine !== of) continue
    const search = await find()
    if (search.found) return search.found
    missing.push(search.missing)
  }
  throw new ClusterError('ERR_NO_SERVER', `no local server can be started: ${missing.join('; ')}. ${advice}`)
}

/**
 * Starts the server for the first time, on a port that nobody else has.
 *
 * @param choosePort - gives the next port to try where none was asked for
 * @throws (rejects) ClusterError `ERR_NO_SERVER`: it did not start
 */
export async function startServer(
  keeper: Keeper,
  found: FoundServer,
  { dataDir, port: wanted, durable }: CheckedOptions,
  time: TimeLimit,
  choosePort: () => Promise<number> = freePort,
): Promise<Placed & { readonly pid: number }> {
  const { engine } = found
  const prepared = await time.limit(keeper.prepare({ found, dataDir, durable }))
  for (let left = portTries; ; left--) {
    const placed = { engine, prepared, port: wanted ?? (await choosePort()) }
    const { pid, over } = await time.limit(keeper.run(placed.port))
    const failure = await failureOf(keeper, { pid, over }, placed, time)
    if (!failure) return { ...placed, pid }
    // Otherwise somebody was quicker than the server.
    if (time.isOver || wanted !== undefined || left === 0 || (await isFree(placed.port))) throw failure
  }
}

/**
 * Starts the server again, having ended the one that runs. Resolves with the pid.
 *
 * @throws (rejects) ClusterError `ERR_NO_SERVER`: it did not start
 */
export async function restartServer(keeper: Keeper, placed: Placed, time: TimeLimit): Promise<number> {
  const last = performance.now() + restartMs
  for (;;) {
    await time.limit(keeper.endServer())
    const { pid, over } = await time.limit(keeper.run(placed.port))
    const failure = await failureOf(keeper, { pid, over }, placed, time)
    if (!failure) return pid
    if (time.isOver || performance.now() > last) throw failure
    await time.limit(delay(restartPauseMs))
  }
}

/**
 * Waits until the server answers. Resolves with an error if it has ended before, or was ended since the time is over.
 *
 * @throws (rejects) ClusterError `ERR_NO_SERVER`: the keeper has ended
 */
async function failureOf(
  keeper: Keeper,
  { pid, over }: { readonly pid: number; readonly over: Promise<void> },
  { engine, prepared: { password }, port }: Placed,
  time: TimeLimit,
): Promise<ClusterError | undefined> {
  for (;;) {
    let problem: unknown
    const attempt = new AbortController()
    try {
      await time.limit(Promise.race([askServer(engine, { port, password, signal: attempt.signal }), over]))
      // It may have been another server that has answered: on a port that this one did not get.
      if (!keeper.endOf(pid)) return undefined
    } catch (error) {
      problem = error
    } finally {
      // What has taken the port instead may be silent.
      attempt.abort()
    }
    // So that its log is complete.
    if (time.isOver) await keeper.endServer()
    const end = keeper.endOf(pid)
    if (end) {
      const what = time.isOver ? messageOf(problem) : `the local server has ended ${end.how} while it started`
      return new ClusterError('ERR_NO_SERVER', `${what}. Its log:\n${end.log}`, { cause: problem })
    }
    await time.limit(delay(lookMs))
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
