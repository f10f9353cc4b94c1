import { defineTask } from '@heddle/worker-pool'

export const increment = defineTask(import.meta.url, 'increment', (n: number) => n + 1)
