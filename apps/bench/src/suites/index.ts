import { poolSuite } from './pool.js'

export const suites = { pool: poolSuite }
