import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('./mutations-worker.mjs', import.meta.url))

/** How long no news counts as a hang: a hundred mutations at some ten milliseconds each are less. */
const patienceMs = 60_000

/**
 * Damages a segment in `count` ways, in processes of their own: 2 at a time.
 *
 * @returns what was wrong, and how often each error came
 */
export async function mutate({ count, seed, processes = 2 }) {
  const share = Math.ceil(count / processes)
  const runs = Array.from({ length: processes }, (_, n) => run(share, (seed + n * 7919) >>> 0))
  const all = await Promise.all(runs)
  const outcomes = {}
  for (const each of all)
    for (const [code, times] of Object.entries(each.outcomes)) outcomes[code] = (outcomes[code] ?? 0) + times
  return { wrong: all.flatMap(({ wrong }) => wrong), outcomes }
}

async function run(count, seed) {
  const child = fork(program, [String(count), String(seed)])
  const ended = once(child, 'exit')
  const wrong = []
  let outcomes
  let heard = performance.now()
  let done = 0
  child.on('message', (message) => {
    heard = performance.now()
    if (message.outcomes) outcomes = message.outcomes
    else if (message.wrong) wrong.push({ ...message, seed })
    else done = message.done
  })
  let alive = true
  const exit = ended.then(() => {
    alive = false
  })
  while (alive) {
    await Promise.race([exit, delay(1_000)])
    if (!alive || performance.now() - heard < patienceMs) continue
    wrong.push({ wrong: `hung after mutation ${done}`, seed })
    process.kill(child.pid, 'SIGKILL')
  }
  const [code, signal] = await ended
  if (outcomes === undefined) wrong.push({ wrong: `ended with ${signal ?? code} after mutation ${done}`, seed })
  return { wrong, outcomes: outcomes ?? {} }
}
