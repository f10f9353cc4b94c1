import type { ServerResponse } from 'node:http'
import type { Director } from '../director.js'
import { commonHeaders } from './answers.js'

/**
 * Tells one page what goes on, as server-sent events: `hello` once, then a snapshot after each look. To a reader that is
 * slow nothing is written until it has taken what was; then it gets the newest snapshot, with all changes since the one
 * it had before.
 *
 * @param stalledMs - a reader that has taken nothing for so long is let go
 */
export function streamEvents(response: ServerResponse, director: Director, stalledMs: number): void {
  response.writeHead(200, { ...commonHeaders, 'Content-Type': 'text/event-stream' })
  response.socket?.setNoDelay(true)
  let since: number | undefined
  let stalledSince: number | undefined
  const tick = () => {
    if (response.writableNeedDrain) {
      stalledSince ??= performance.now()
      if (performance.now() - stalledSince > stalledMs) response.destroy()
      return
    }
    stalledSince = undefined
    const { json, next } = director.snapshot(since)
    since = next
    response.write(`event: snapshot\ndata: ${json}\n\n`)
  }
  response.write(`event: hello\ndata: ${JSON.stringify(director.hello())}\n\n`)
  tick()
  response.once('close', director.watch(tick))
}
