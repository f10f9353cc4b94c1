import { defineTask } from '@heddle/cluster-pool'

// Not in main.ts: the workers of each node import this module, and must find nothing but tasks in it.
export const countPrimes = defineTask(
  import.meta.url,
  'countPrimes',
  (from: number, to: number) => {
    let count = 0
    for (let n = Math.max(from, 2); n < to; n++) {
      let divisor = 2
      while (divisor * divisor <= n && n % divisor !== 0) divisor++
      if (divisor * divisor > n) count++
    }
    return count
  },
  // To run it twice does no harm: when a node dies, another one runs it again.
  { idempotent: true },
)

export const countWords = defineTask(import.meta.url, 'countWords', (text: string) => {
  const words = new Map<string, number>()
  for (const word of text.toLowerCase().match(/\p{L}+/gu) ?? []) words.set(word, (words.get(word) ?? 0) + 1)
  return words
})
