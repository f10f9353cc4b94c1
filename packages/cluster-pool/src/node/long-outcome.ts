import type { Server } from '../connection/cluster-server.js'

/**
 * Characters beyond which an outcome is not told but fetched: it is stored anyway, and a long notice costs PostgreSQL a row, and
 * Redis a copy for its output.
 */
export function longOutcomeOf({ engine }: Server): number {
  return engine === 'postgres' ? 6_000 : 100_000
}
