import { defineTask } from '@heddle/worker-pool'

// Not in main.ts: each worker imports this module, and must find nothing but tasks in it.
export const sumOfSquares = defineTask(import.meta.url, 'sumOfSquares', (numbers: readonly number[]) =>
  numbers.reduce((sum, n) => sum + n * n, 0),
)

export const spin = defineTask(import.meta.url, 'spin', (): never => {
  for (;;);
})
