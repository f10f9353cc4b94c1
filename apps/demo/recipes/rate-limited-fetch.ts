import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { AsyncRateLimiter, AsyncTaskManager, retry } from '@heddle/async-patterns'

// A server that fails at the first request for each page.
const asked = new Map<string, number>()
const server = createServer((request, response) => {
  const path = request.url ?? ''
  const times = (asked.get(path) ?? 0) + 1
  asked.set(path, times)
  response.writeHead(times === 1 ? 503 : 200).end(`page ${path}`)
}).listen(0, '127.0.0.1')
await once(server, 'listening')
const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

// Never more than 5 in any 100 ms, by the clock of those who are let through.
const limiter = new AsyncRateLimiter(5, 100, { strict: true })
const starts: number[] = []

async function fetchPage(path: string): Promise<string> {
  return await retry(
    async ({ signal }) => {
      await limiter.acquire({ signal })
      starts.push(performance.now())
      const response = await fetch(origin + path, { signal })
      const text = await response.text()
      if (!response.ok) throw new Error(`${path} answered ${response.status}`)
      return text
    },
    { maxAttempts: 3, minDelay: 10, timeout: 10_000 },
  )
}

await using manager = new AsyncTaskManager({ maxConcurrent: 4 })
const paths = Array.from({ length: 8 }, (_, n) => `/${n}`)
const pages = await manager.map(fetchPage, paths).toArray()
console.log(pages.join(', '))

console.log(`${starts.length} requests for ${pages.length} pages`)
const most = Math.max(...starts.map((start) => starts.filter((other) => other >= start && other < start + 100).length))
console.log(`never more than 5 in 100 ms: ${most <= 5}`)
server.close()
server.closeAllConnections()
