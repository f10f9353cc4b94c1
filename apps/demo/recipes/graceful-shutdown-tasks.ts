import { setTimeout as pause } from 'node:timers/promises'
import { defineTask } from '@heddle/worker-pool'

export const report = defineTask(import.meta.url, 'report', async (n: number) => {
  await pause(20)
  return `report ${n} is written`
})
