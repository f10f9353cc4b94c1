import { PoolManager } from '@heddle/pool-core'
import { afterEach } from '@jest/globals'

const pools = []

afterEach(() => Promise.all(pools.splice(0).map((pool) => pool.terminate())))

export function poolOver(slots, options) {
  const pool = new PoolManager(slots.create, 'thread', options)
  pools.push(pool)
  return pool
}

export function ignore(call) {
  call.catch(() => {})
}

export function outcomeOf(promise) {
  const outcome = {}
  promise.then(
    (value) => Object.assign(outcome, { value }),
    (error) => Object.assign(outcome, { error }),
  )
  return outcome
}
