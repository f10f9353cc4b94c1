import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const longestWaitMs = 15 * 60_000

/**
 * Runs `work` while no other process of this machine runs its own under the same lock file, and resolves with its result.
 * A lock whose process is gone is taken over; the message of a waiting process names the file, so that it can be removed.
 */
export async function withLock(file, work) {
  await take(file)
  const release = () => rmSync(file, { force: true })
  process.once('exit', release) // `work` may end this process
  try {
    return await work()
  } finally {
    process.off('exit', release)
    release()
  }
}

async function take(file) {
  mkdirSync(dirname(file), { recursive: true })
  const since = performance.now()
  for (let told = false; ; ) {
    try {
      writeFileSync(file, `${process.pid}@${hostname()}`, { flag: 'wx' })
      return
    } catch (error) {
      if (error.code !== 'EEXIST') throw error
    }
    const holder = read(file)
    if (holder !== undefined && isGone(holder)) {
      takeAway(file, holder.text)
      continue
    }
    if (performance.now() - since > longestWaitMs)
      throw new Error(`${file} has been held for 15 minutes: remove it if no other set-up is running`)
    if (!told) console.error(`waiting for another set-up to end (if there is none, remove ${file})`)
    told = true
    await sleep(100)
  }
}

function read(file) {
  try {
    return { text: readFileSync(file, 'utf8'), age: Date.now() - statSync(file).mtimeMs }
  } catch {
    return undefined // released just now
  }
}

function isGone({ text, age }) {
  const [pid, host] = text.split('@')
  // Made and not yet written: its process has a moment to do so.
  if (host === undefined) return age > 10_000
  if (host !== hostname()) return false
  try {
    process.kill(Number(pid), 0)
    return false
  } catch (error) {
    return error.code === 'ESRCH'
  }
}

function takeAway(file, text) {
  const aside = `${file}.${process.pid}`
  try {
    renameSync(file, aside)
  } catch {
    return // another waiting process was faster
  }
  // Another one may have been faster still and hold the lock by now: then this is its lock, which goes back.
  if (readFileSync(aside, 'utf8') === text) rmSync(aside)
  else renameSync(aside, file)
}
