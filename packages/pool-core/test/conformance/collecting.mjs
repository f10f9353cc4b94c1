// What a pool still holds of tasks that are done, as a program: node --expose-gc collecting.mjs <address of a pool's kit.mjs>.
import { setImmediate, setTimeout } from 'node:timers/promises'

const [, , kitUrl] = process.argv
const { createPool, tasks } = await import(kitUrl)
const pool = createPool({ maxWorkers: 1 })
const references = []

/** Keeps nothing of it but where it was. */
function watched(value) {
  references.push(new WeakRef(value))
  return value
}

const item = () => watched({ part: watched({ text: 'part' }) })

/** Not at the top level, whose variables live as long as the program. */
async function useThem() {
  watched(await pool.run(tasks.remember, [item()]))
  const { signal } = new AbortController()
  watched(await pool.run(tasks.remember, [item()], { signal, timeout: 20_000, priority: 1 }))
  watched(await pool.getTaskResult(await pool.submitTask(tasks.remember, [item()])))
  await pool.submitTask(tasks.remember, [item()])
  for (const row of (await pool.waitForAllTasks()).values()) watched(row.result)
  await pool.submitTask(tasks.remember, [item()])
  for await (const { result } of pool.asCompleted()) watched(result)
  for await (const result of pool.map(tasks.remember, [item(), item()])) watched(result)
  watched(await pool.map(tasks.remember, [item(), item()], { chunkSize: 2 }).toArray())
  watched(await pool.run(tasks.fail, ['custom', item()]).catch((error) => error))
  pool.pause()
  const cleared = pool.run(tasks.remember, [item()]).catch((error) => watched(error))
  const id = await pool.submitTask(tasks.remember, [item()])
  pool.cancelTask(id)
  pool.clear()
  await cleared
  await pool.getTaskResult(id).catch((error) => watched(error))
  pool.resume()
}

/** How many are left after so many looks of the collector as it takes, or after too many. */
async function remainingOf(count) {
  let left = await count()
  for (let looks = 0; left > 0 && looks < 100; looks += 1) {
    await setTimeout(10)
    left = await count()
  }
  return left
}

await useThem()
console.log('watched here:', references.length)
console.log(
  'left here:',
  await remainingOf(async () => {
    await setImmediate()
    globalThis.gc()
    return references.filter((reference) => reference.deref() !== undefined).length
  }),
)
console.log('left there:', await remainingOf(() => pool.run(tasks.remaining, [])))
await pool.drain()
