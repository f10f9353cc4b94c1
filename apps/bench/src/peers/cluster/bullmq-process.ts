import { Relay, Worker } from 'bullmq'
import { backendOf, queueName, type Replies, replyTopic } from './bullmq-connection.js'
import { serve } from './other-process.js'
import { concurrency } from './runner.js'

await serve<{ readonly url: string; readonly replies: Replies }>(async ({ url, replies }) => {
  const publish = replies === 'relay' ? await publishing(url) : () => undefined
  const { connection, factory } = backendOf(url)
  const worker = new Worker<{ n: number }, number>(
    queueName,
    async ({ id, data }) => {
      const result = data.n + 1
      // As ours: told before it is stored, and nobody waits for that.
      publish({ id, result })
      return result
    },
    { connection, concurrency },
    factory,
  )
  worker.on('error', () => undefined)
  await worker.waitUntilReady()
})

async function publishing(url: string): Promise<(reply: object) => void> {
  const relay = new Relay(backendOf(url).relay)
  relay.on('error', () => undefined)
  await relay.waitUntilReady()
  return (reply) => {
    relay.publish(replyTopic, reply).catch(() => undefined)
  }
}
