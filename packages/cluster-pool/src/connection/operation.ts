import { setTimeout as delay } from 'node:timers/promises'
import { holdProcess, letProcessGo, startTimer } from '@heddle/pool-core/building-blocks'
import { ClusterError } from '../errors.js'
import type { OperationOptions } from './server.js'

const firstPauseMs = 50
const longestPauseMs = 1_000

/** What Node says of a host that cannot be reached, perhaps for the moment. */
export const unreachable: readonly string[] = ['ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH']

/** For whoever connects: a server that refuses is as good as none. */
export function unusable(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof ClusterError || error instanceof TypeError) return error
  return new ClusterError('ERR_SERVER_UNAVAILABLE', `the server cannot be used: ${error.message}`, { cause: error })
}

/** How a server's operations are run. */
export interface OperationLimits {
  /** Milliseconds that the server may take to answer, reconnecting included. */
  readonly serverTimeout: number
  /** Whether an error says that the connection is gone, and nothing of what was asked for. */
  readonly isConnectionError: (error: unknown) => boolean
  /** What the connection failed with last, if it is not up. */
  readonly problem?: () => unknown
  /** The cluster was closed: there is no connection any more, and none will come. */
  readonly isClosed: () => boolean
}

/**
 * Asks the server for something, and keeps the process alive until it has answered.
 *
 * @throws (rejects) ClusterError `ERR_SERVER_UNAVAILABLE`: no answer in time, or the connection broke under what must not be
 * asked twice; it may have happened, or not. Or the cluster was closed
 */
export async function operate<Answer>(
  ask: () => Promise<Answer>,
  { idempotent }: OperationOptions,
  limits: OperationLimits,
): Promise<Answer> {
  const { serverTimeout, isConnectionError } = limits
  holdProcess()
  const due = performance.now() + serverTimeout
  let pause = firstPauseMs
  try {
    for (;;) {
      if (limits.isClosed()) throw new ClusterError('ERR_SERVER_UNAVAILABLE', 'the cluster was closed')
      try {
        return await answered(ask, due, limits)
      } catch (error) {
        if (!isConnectionError(error)) throw error
        if (!idempotent || performance.now() + pause >= due)
          throw new ClusterError(
            'ERR_SERVER_UNAVAILABLE',
            'the connection to the server broke before it had answered: what was asked for may have happened, or not',
            { cause: error },
          )
      }
      await delay(pause)
      pause = Math.min(2 * pause, longestPauseMs)
    }
  } finally {
    letProcessGo()
  }
}

async function answered<Answer>(
  ask: () => Promise<Answer>,
  due: number,
  { serverTimeout, problem }: OperationLimits,
): Promise<Answer> {
  let stop: () => void = () => undefined
  const late = new Promise<never>((_, reject) => {
    stop = startTimer(due - performance.now(), () =>
      reject(
        new ClusterError(
          'ERR_SERVER_UNAVAILABLE',
          `the server has not answered for ${serverTimeout} ms: what was asked for may still happen`,
          { cause: problem?.() },
        ),
      ),
    )
  })
  try {
    const answer = ask()
    // When the time is over first, nobody takes it any more.
    answer.catch(() => undefined)
    return await Promise.race([answer, late])
  } finally {
    stop()
  }
}
