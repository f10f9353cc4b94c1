import { setTimeout as pause } from 'node:timers/promises'
import '@heddle/sync-primitives'
import type { ManualResetEvent } from '@heddle/sync-primitives'
import { defineTask, taskContext } from '@heddle/worker-pool'

export const spin = defineTask(import.meta.url, 'spin', (spins: ManualResetEvent): never => {
  spins.set()
  for (;;);
})

export const countPatiently = defineTask(
  import.meta.url,
  'countPatiently',
  async (counts: ManualResetEvent, cleanedUp: ManualResetEvent) => {
    const { signal } = taskContext()
    counts.set()
    try {
      for (let n = 0; ; n++) await pause(10, n, { signal })
    } finally {
      cleanedUp.set()
    }
  },
)
