import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { isAlive } from './pools-faults.mjs'

/**
 * Random operations on pools, one in ten of which ends a worker; each must settle as it has to. At the end nothing is left: no unhandled
 * rejection, no child, no handle, no listener, no timer. @returns how many rows failed
 */
export async function verifyStorm({ runtimes, tasks, operations, seed, print }) {
  let failures = 0
  for (const runtime of runtimes) {
    const begun = performance.now()
    const wrong = await storm(runtime, tasks, operations, seed)
    if (wrong.length > 0) failures += 1
    const seconds = ((performance.now() - begun) / 1000).toFixed(1)
    const outcome = wrong.length === 0 ? 'nothing wrong, nothing left' : `FAILED: ${wrong.slice(0, 5).join('; ')}`
    print(`storm: ${runtime.name}: ${operations} operations, ${outcome}, ${seconds} s (seed ${seed})`)
  }
  return failures
}

async function storm(runtime, tasks, operations, seed) {
  const wrong = []
  const onUnhandled = (error) => wrong.push(`unhandled rejection: ${error?.message}`)
  // The streams open at the first look.
  const streams = [process.stdout, process.stderr]
  process.on('unhandledRejection', onUnhandled)
  const before = { resources: resources(), listeners: listenersOf([process, ...streams]) }
  const random = randomFrom(seed)
  let done = 0
  while (done < operations && wrong.length === 0) {
    const pool = runtime.create({
      maxWorkers: 2,
      maxQueued: [0, 10, 1_000][Math.floor(random() * 3)],
      // Not 'caller-runs': what ends its worker would end this program.
      whenFull: ['wait', 'reject', 'drop-oldest'][Math.floor(random() * 3)],
      maxTasksPerWorker: random() < 0.2 ? 20 : Number.POSITIVE_INFINITY,
      abortGrace: 20,
    })
    const batch = Math.min(operations - done, 500)
    const pending = []
    for (let n = 0; n < batch; n++) {
      pending.push(operate(pool, tasks, random, runtime.isProcess, wrong))
      if (random() < 0.3) await Promise.race([pending[Math.floor(random() * pending.length)], delay(5)])
    }
    const settled = Promise.all(pending)
    const end = random() < 0.5 ? pool.drain() : settled.then(() => pool.terminate())
    const isDone = await Promise.race([Promise.all([settled, end]), delay(60_000, 'late', { ref: false })])
    if (isDone === 'late') wrong.push(`not settled after a minute: ${JSON.stringify(pool.stats())}`)
    await pool.terminate()
    done += batch
  }
  await until(() => resources() === before.resources)
  if (resources() !== before.resources) wrong.push(`left: ${resources()}, before: ${before.resources}`)
  const listeners = listenersOf([process, ...streams])
  if (listeners !== before.listeners) wrong.push(`listeners: ${listeners}, before: ${before.listeners}`)
  const children = childrenOfThisProcess()
  if (children.length > 0) wrong.push(`children left: ${children.join()}`)
  process.off('unhandledRejection', onUnhandled)
  return wrong
}

/** One operation; resolves when it has settled, and notes what it must not come to. */
async function operate(pool, tasks, random, isProcess, wrong) {
  // A tenth ends a worker: the others are to meet such ends in every state.
  const roll = Math.floor(random() * 34)
  const dice = roll < 16 ? roll : roll % 10
  const allowed = new Set(['ERR_CLOSED', 'ERR_TASK_DROPPED', 'ERR_WORKER_CRASHED'])
  const expect = async (promise, isRight, ...codes) => {
    try {
      const value = await promise
      if (!isRight(value)) wrong.push(`operation ${dice} gave ${String(value)}`)
    } catch (error) {
      // A full queue refuses with a TimeoutError.
      const isFull = error?.name === 'QueueFullError'
      if (!isFull && !allowed.has(error?.code) && !codes.includes(error?.code ?? error?.name ?? error))
        wrong.push(`operation ${dice} failed: ${error?.name} ${error?.code} ${error?.message}`)
    }
  }
  switch (dice) {
    case 0:
    case 1:
    case 2:
      return await expect(pool.run(tasks.increment, [dice]), (value) => value === dice + 1, 'ERR_POISON_TASK')
    case 3:
      return await expect(pool.run(tasks.add, [1, 2], { priority: random() * 4 - 2 }), (value) => value === 3)
    case 4: {
      const items = Array.from({ length: 50 }, (_, n) => n)
      const sum = pool.map(tasks.increment, items, { ordered: random() < 0.5 }).toArray()
      return await expect(
        sum.then((all) => all.reduce((a, b) => a + b, 0)),
        (value) => value === 1275,
        'ERR_POISON_TASK',
      )
    }
    case 5: {
      const read = async () => {
        let last
        for await (const value of pool.stream(tasks.count, [30])) {
          last = value
          if (random() < 0.02) break
        }
        return last
      }
      return await expect(read(), (value) => value === undefined || value <= 29)
    }
    case 6: {
      const seen = []
      const told = pool.run(tasks.tell, [5], { onProgress: (value) => seen.push(value) })
      return await expect(told, (value) => value === 5)
    }
    case 7:
      return await expect(pool.run(tasks.throwNull, []), () => false, null)
    case 8:
      return await expect(pool.run(tasks.uncloneableResult, []), () => false, 'ERR_NOT_CLONEABLE')
    case 9: {
      const controller = new AbortController()
      setTimeout(() => controller.abort('stop'), random() * 10)
      const run = pool.run(tasks.cooperate, [], { signal: controller.signal })
      return await expect(run, () => false, 'stop')
    }
    case 10:
      return await expect(pool.run(tasks.spin, [], { timeout: 1 + random() * 10 }), () => false, 'ERR_TIMEOUT')
    case 11:
      return await expect(pool.run(tasks.exit, [2]), () => false)
    case 12:
      if (!isProcess) return await expect(pool.run(tasks.throwInBackground, []), () => false)
      return await expect(pool.run(tasks.killSelf, ['SIGKILL']), () => false)
    case 13: {
      const submitted = pool.submitTask(tasks.wait, [random() * 5, 'waited']).then((id) => {
        if (random() < 0.5) pool.cancelTask(id)
        return pool.getTaskResult(id)
      })
      return await expect(submitted, (value) => value === 'waited', 20, 'ERR_UNKNOWN_TASK')
    }
    case 14: {
      const leaveEarly = async () => {
        let taken = 0
        for await (const value of pool.map(tasks.increment, naturals())) {
          taken += 1
          if (value !== taken) return false
          if (random() < 0.05) break
        }
        return true
      }
      return await expect(leaveEarly(), (isRight) => isRight, 'ERR_POISON_TASK')
    }
    default:
      return await expect(pool.run(tasks.throwFrozen, []), () => false, 'E_FROZEN')
  }
}

function* naturals() {
  for (let n = 0; ; n++) yield n
}

/** Mulberry32: small, and the same everywhere. */
function randomFrom(seed) {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** What keeps this program alive; a file that is being closed is the loader's, and gone in a moment. */
function resources() {
  return process
    .getActiveResourcesInfo()
    .filter((name) => name !== 'CloseReq')
    .sort()
    .join()
}

function listenersOf(emitters) {
  return emitters
    .map((emitter) => emitter.eventNames().map((name) => `${String(name)} ${emitter.listenerCount(name)}`))
    .map((names) => names.sort().join())
    .join(' | ')
}

function childrenOfThisProcess() {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const [, parent] = /^\d+ \(.*\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? []
        return Number(parent) === process.pid && isAlive(Number(pid))
      } catch {
        return false
      }
    })
}

async function until(condition) {
  const due = performance.now() + 10_000
  while (!condition() && performance.now() < due) await delay(10)
}
