import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { AsyncTaskManager } from '@heddle/async-patterns'
import type { Pattern } from '../pattern.js'

const maxConcurrent = 10

/** Quick start 3: requests to a server that answers only when ten are there. */
export const quickStartAsync: Pattern = {
  name: 'quick-start-async',
  title: 'Async for concurrent I/O',
  aliases: ['quick start 3'],
  kind: 'quick start',
  packages: ['@heddle/async-patterns'],
  mends:
    'it imports a module `python.async_patterns`, which the file `python/04-async-patterns.py` is not, and nobody runs `main`: here it runs',
  async run({ print, signal }) {
    const waiting: [string, ServerResponse][] = []
    const server = createServer((request, response) => {
      waiting.push([request.url ?? '', response])
      if (waiting.length < maxConcurrent) return
      for (const [path, answer] of waiting.splice(0)) answer.end(`hello ${path}`)
    })
    server.listen(0, '127.0.0.1')
    try {
      await once(server, 'listening', { signal })
      const { port } = server.address() as AddressInfo
      const asyncFunction = async (data: number) => {
        const answer = await fetch(`http://127.0.0.1:${port}/${data}`, { signal })
        return await answer.text()
      }

      await using manager = new AsyncTaskManager({ maxConcurrent })
      const taskIds: string[] = []
      for (let data = 0; data < maxConcurrent; data++)
        taskIds.push(await manager.submitTask(asyncFunction, [data], { signal }))
      const results = await Promise.all(taskIds.map((id) => manager.getTaskResult(id)))
      print(`${results.length} answers: ${results.map(String).join(', ')}`)

      const expected: string[] = []
      for (let data = 0; data < maxConcurrent; data++) expected.push(`hello /${data}`)
      return [{ what: 'the answers', actual: results, expected }]
    } finally {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    }
  },
}
