import { defineTask } from '@heddle/worker-pool'

export const sumOfSquares = defineTask(import.meta.url, 'sumOfSquares', (n: number) => {
  if (n < 0) throw new RangeError('negative')
  let sum = 0
  for (let i = 0; i < n; i++) sum += i * i
  return sum
})
