import { barrier } from './barrier.js'
import { limiter } from './limiter.js'
import { locks } from './locks.js'
import { pool } from './pool.js'
import { processes } from './processes.js'
import { queue } from './queue.js'
import type { Scenario } from './scenario.js'

/** All that can be watched. */
export const scenarios: readonly Scenario[] = [locks, processes, pool, queue, limiter, barrier]
