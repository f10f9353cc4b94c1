import '@heddle/ipc-channels'
import '@heddle/sync-primitives'
import type { Topic } from '@heddle/ipc-channels'
import type { Latch } from '@heddle/sync-primitives'
import { defineTask } from '@heddle/worker-pool'

interface Price {
  readonly symbol: string
  readonly cents: number
}

export const listen = defineTask(
  import.meta.url,
  'listen',
  async (prices: Topic<Price>, listening: Latch, wanted: string) => {
    using subscription = prices.subscribe()
    listening.countDown()
    let heard = 0
    let last = 0
    for await (const { symbol, cents } of subscription)
      if (wanted === 'all' || wanted === symbol) {
        heard++
        last = cents
      }
    return `${wanted}: ${heard} prices, the last is ${last}`
  },
)
