import { afterAll, afterEach, describe } from '@jest/globals'
import { crashes } from './crashes.ts'
import { ending } from './ending.ts'
import { errors } from './errors.ts'
import { giving } from './giving-up.ts'
import { mapping } from './mapping.ts'
import { misuse } from './misuse.ts'
import { programs } from './programs.ts'
import { running } from './running.ts'
import { submitted } from './submitted.ts'

export function describeExecutor(fixture, url) {
  const pools = new Set()
  const shared = new Map()
  const kit = {
    ...fixture,
    url,
    fixture: (name) => new URL(name, url).href,
    createPool(options) {
      const pool = fixture.createPool(options)
      pools.add(pool)
      return pool
    },
    sharedPool(maxWorkers) {
      if (!shared.has(maxWorkers)) shared.set(maxWorkers, fixture.createPool({ maxWorkers }))
      return shared.get(maxWorkers)
    },
  }
  afterAll(() => Promise.all([...shared.values()].map((pool) => pool.terminate())))
  afterEach(async () => {
    await Promise.all([...pools].map((pool) => pool.terminate()))
    pools.clear()
  })
  describe('running a task', () => {
    running(kit)
  })
  describe('errors', () => {
    errors(kit)
  })
  describe('workers that end', () => {
    crashes(kit)
  })
  describe('giving up', () => {
    giving(kit)
  })
  describe('submitted tasks', () => {
    submitted(kit)
  })
  describe('map', () => {
    mapping(kit)
  })
  describe('the end of a pool', () => {
    ending(kit)
  })
  describe('misuse', () => {
    misuse(kit)
  })
  describe('in a program of its own', () => {
    programs(kit)
  })
}
