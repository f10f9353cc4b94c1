import { isMainThread } from 'node:worker_threads'
import { defineTask } from '@heddle/process-pool'
import { cpuIntensiveTask } from '../processes/tasks.js'

/** A sum of squares, and who has computed it. Threads and processes run it, and so does whoever calls it. */
export const sumAndPlace = defineTask(import.meta.url, 'sumAndPlace', (data: readonly number[]) => ({
  sum: cpuIntensiveTask(data),
  pid: process.pid,
  isMainThread,
}))
