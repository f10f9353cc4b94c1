import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { ThreadPoolManager } from '@heddle/worker-pool'
import type { Pattern } from '../pattern.js'
import { digestOfFile } from './threading-tasks.js'

/** Quick start 1: one task on a pool of threads. */
export const quickStartThreading: Pattern = {
  name: 'quick-start-threading',
  title: 'Threading for I/O-bound tasks',
  aliases: ['quick start 1'],
  kind: 'quick start',
  packages: ['@heddle/worker-pool'],
  mends:
    'it imports python.threading_patterns, but its file is 01-threading-patterns.py, which no import can name: here one package is installed and imported by its name',
  async run({ print, signal }) {
    const path = fileURLToPath(import.meta.url)
    await using pool = new ThreadPoolManager({ maxWorkers: 10 })
    const taskId = await pool.submitTask(digestOfFile, [path], { signal })
    const result = await pool.getTaskResult(taskId, { signal })
    print(`${taskId}: ${String(result)}`)

    const digest = await crypto.subtle.digest('SHA-256', await readFile(path))
    return [{ what: 'the digest of a file', actual: result, expected: Buffer.from(digest).toString('hex') }]
  },
}
