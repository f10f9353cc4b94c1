import diagnostics from 'node:diagnostics_channel'
import type { Worker } from 'node:worker_threads'
import { ThreadPoolManager } from '@heddle/worker-pool'
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals'

const started: Worker[] = []
const note = (message: unknown) => void started.push((message as { worker: Worker }).worker)
beforeAll(() => diagnostics.subscribe('worker_threads', note))
afterAll(() => void diagnostics.unsubscribe('worker_threads', note))
beforeEach(() => void started.splice(0))

const alive = () => started.filter(({ threadId }) => threadId !== -1)

test('a crash costs one thread, and when the pool has drained none is left', async () => {
  const pool = new ThreadPoolManager({ maxWorkers: 2 })
  await pool.run(() => 1, [])
  expect(started.length).toBe(1)
  await expect(pool.run(() => process.exit(1), [])).rejects.toMatchObject({ code: 'ERR_WORKER_CRASHED' })
  await pool.run(() => 2, [])
  expect(started.length).toBe(2)
  await pool.drain()
  expect(alive().length).toBe(0)
})

test('an uncaught error costs one thread, too', async () => {
  const pool = new ThreadPoolManager({ maxWorkers: 2 })
  const failing = () =>
    new Promise(() => {
      setTimeout(() => {
        throw new Error('in the background')
      })
    })
  await expect(pool.run(failing, [])).rejects.toMatchObject({ code: 'ERR_WORKER_CRASHED' })
  await pool.run(() => 1, [])
  expect(started.length).toBe(2)
  await pool.drain()
  expect(alive().length).toBe(0)
})

test('one task in a large pool starts one thread, however long the import of its module takes', async () => {
  const pool = new ThreadPoolManager({ maxWorkers: 10 })
  const { slow } = await import('./fixtures/slow-module.mjs')
  expect(await pool.run(slow, [])).toBe('imported')
  expect(started.length).toBe(1)
  await pool.drain()
})
