import { afterAll, afterEach, describe } from '@jest/globals'
import { batching } from './batching.ts'
import { chunks } from './chunks.ts'
import { contexts } from './contexts.ts'
import { crashes } from './crashes.ts'
import { crowds } from './crowds.ts'
import { ending } from './ending.ts'
import { errors } from './errors.ts'
import { events } from './events.ts'
import { faultPrograms } from './fault-programs.ts'
import { faults } from './faults.ts'
import { functions } from './functions.ts'
import { giving } from './giving-up.ts'
import { mapping } from './mapping.ts'
import { misuse } from './misuse.ts'
import { neighbours } from './neighbours.ts'
import { optionNames } from './option-names.ts'
import { programs } from './programs.ts'
import { queueing } from './queueing.ts'
import { retries } from './retries.ts'
import { running } from './running.ts'
import { starting } from './starting.ts'
import { streams } from './streams.ts'
import { submitted } from './submitted.ts'
import { transfers } from './transfers.ts'
import { waiting } from './waiting.ts'
import { workers } from './workers.ts'

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
  describe('waiting and cancelling', () => {
    waiting(kit)
  })
  describe('the queue', () => {
    queueing(kit)
  })
  describe('many tasks', () => {
    crowds(kit)
  })
  describe('what travels together', () => {
    batching(kit)
  })
  describe('maps in chunks', () => {
    chunks(kit)
  })
  describe('retries', () => {
    retries(kit)
  })
  describe('map', () => {
    mapping(kit)
  })
  describe('the end of a pool', () => {
    ending(kit)
  })
  describe('faults', () => {
    faults(kit)
  })
  describe('the context of a task', () => {
    contexts(kit)
  })
  describe('streams', () => {
    streams(kit)
  })
  describe('functions as tasks', () => {
    functions(kit)
  })
  describe('workers', () => {
    workers(kit)
  })
  describe('diagnostics', () => {
    events(kit)
  })
  describe('starting workers', () => {
    starting(kit)
  })
  describe('transfer lists', () => {
    transfers(kit)
  })
  describe('options by name', () => {
    optionNames(kit)
  })
  describe('neighbours', () => {
    neighbours(kit)
  })
  describe('misuse', () => {
    misuse(kit)
  })
  describe('in a program of its own', () => {
    programs(kit)
  })
  describe('faults of a program', () => {
    faultPrograms(kit)
  })
}
