import { setTimeout } from 'node:timers/promises'
import { defineTask } from '@heddle/process-pool'

/** The document's cpu_intensive_task. */
export const cpuIntensiveTask = defineTask(import.meta.url, 'cpuIntensiveTask', (data: readonly number[]) => {
  let result = 0
  for (const i of data) result += i * i
  return result
})

/** Fails as a file that is not there would. */
export const refuse = defineTask(import.meta.url, 'refuse', async (what: string): Promise<never> => {
  await setTimeout(1)
  throw Object.assign(new RangeError(`there is no ${what}`), { code: 'E_NONE', cause: { asked: what } })
})

/** Ends its process as a fault in native code would: no handler runs. */
export const fall = defineTask(import.meta.url, 'fall', (): never => {
  process.kill(process.pid, 'SIGKILL')
  for (;;);
})
