import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('./apart-side.mjs', import.meta.url))

/** No call blocks for as long, unless it hangs. */
const patienceMs = 30_000

/**
 * Runs an exported function of a file of this folder in a process of its own, which may hang or end: its result is what
 * says so then.
 *
 * @param options - and the function's result are plain data
 */
export async function apart(file, name, options) {
  const what = `${name} ${JSON.stringify(options)}`
  const child = fork(program, [file, name, JSON.stringify(options)], { execArgv: [], serialization: 'json' })
  const ended = once(child, 'exit')
  const pids = new Set()
  let result
  let isAlive = true
  let hangs = false
  let reached = 'the start'
  let heard = performance.now()
  child.on('message', (message) => {
    heard = performance.now()
    if (message.started) pids.add(message.started)
    if (message.ended) pids.delete(message.ended)
    if (message.reached) reached = message.reached
    if (message.result) result = message.result
  })
  const exit = ended.then(() => {
    isAlive = false
  })
  while (isAlive && !hangs) {
    await Promise.race([exit, delay(1_000)])
    hangs = isAlive && performance.now() - heard > patienceMs
  }
  if (hangs) {
    // Those whom it has started may hang, too: in a lock that is never theirs.
    for (const pid of [child.pid, ...pids]) killIfThere(pid)
    await exit
    return { wrong: [`${what}: no sign of life for ${patienceMs / 1_000} s after ${reached}`] }
  }
  const [code, signal] = await ended
  return result ?? { wrong: [`${what}: ended with ${signal ?? code} after ${reached}`] }
}

function killIfThere(pid) {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended by itself.
  }
}
