import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('./mutations-peer.mjs', import.meta.url))

/** How long one case may take before it counts as a hang. */
const patienceMs = 20_000

/**
 * Damages queues in `count` ways, in processes of their own, 2 at a time, and uses them.
 *
 * @returns what was wrong, and how often each error came
 */
export async function mutate({ count, seed, processes = 2 }) {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-mutations-'))
  try {
    const share = Math.ceil(count / processes)
    const all = await Promise.all(
      Array.from({ length: processes }, (_, n) => runAll(n * share, (n + 1) * share, seed, join(folder, `case-${n}`))),
    )
    const outcomes = {}
    for (const each of all)
      for (const [code, times] of Object.entries(each.outcomes)) outcomes[code] = (outcomes[code] ?? 0) + times
    return { wrong: all.flatMap(({ wrong }) => wrong), outcomes }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Goes on behind a case that hangs or ends the process. */
async function runAll(first, end, seed, file) {
  const wrong = []
  const outcomes = {}
  for (let next = first; next < end && wrong.length < 5; ) {
    const run = await runSome(next, end, seed, file)
    for (const each of run.wrong) wrong.push(each)
    for (const [code, times] of Object.entries(run.outcomes)) outcomes[code] = (outcomes[code] ?? 0) + times
    next = run.next
  }
  return { wrong, outcomes }
}

async function runSome(first, end, seed, file) {
  const child = fork(program, [first, end, seed, file].map(String), { execArgv: [] })
  const ended = once(child, 'exit')
  const wrong = []
  let outcomes = {}
  let isDone = false
  let isAlive = true
  let hangs = false
  child.on('message', (message) => {
    if (message.wrong) wrong.push({ seed, ...message })
    else [outcomes, isDone] = [message.outcomes, message.isDone]
  })
  const exit = ended.then(() => {
    isAlive = false
  })
  const current = () => {
    try {
      return JSON.parse(readFileSync(file, 'utf8'))
    } catch {
      return undefined // not there yet, or being written
    }
  }
  let [seen, since] = [-1, performance.now()]
  while (isAlive) {
    await Promise.race([exit, delay(500)])
    const number = current()?.number
    if (number !== seen) [seen, since] = [number, performance.now()]
    if (!isAlive || performance.now() - since < patienceMs) continue
    hangs = true
    process.kill(child.pid, 'SIGKILL')
    await exit
  }
  const [code, signal] = await ended
  if (isDone) return { wrong, outcomes, next: end }
  const last = current()
  wrong.push({ seed, wrong: hangs ? 'hangs' : `ends with ${signal ?? code}`, ...last })
  return { wrong, outcomes, next: (last?.number ?? end) + 1 }
}
