// What a worker prints when it fails, as a program of its own: fault-program.mjs <address of a pool's kit.mjs> <scenario>.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'

const [, , kitUrl, scenario] = process.argv
const { createPool, tasks } = await import(kitUrl)

const tell = (...values) =>
  console.log(...values.map((value) => (typeof value === 'string' ? value : JSON.stringify(value))))

const failureOf = (promise) =>
  promise.then(
    (value) => ({ resolvedWith: value }),
    (error) => error,
  )

/** Tells how the task failed and that the pool goes on. */
async function tellFailure(pool, running) {
  const { code, began, signal, cause, message } = await failureOf(running)
  tell({ code, began, signal, cause: cause?.code ?? cause?.message })
  tell(message)
  tell(await pool.run(tasks.add, [1, 2]))
  await pool.drain()
}

const importing = (code) => ['--import', `data:text/javascript,${encodeURIComponent(code)}`]

/** Hooks under which the entry of a worker cannot be loaded. */
const withoutEntry = `
  import { register } from 'node:module'
  register('data:text/javascript,' + encodeURIComponent(\`
    export async function load(url, context, next) {
      if (url.endsWith('-entry.js')) throw new Error('no entry')
      return await next(url, context)
    }\`))`

const scenarios = {
  timer: () => {
    const pool = createPool({ maxWorkers: 1 })
    return tellFailure(pool, pool.run(tasks.throwInTimer, []))
  },
  unheard: () => {
    const pool = createPool({ maxWorkers: 1 })
    return tellFailure(pool, pool.run(tasks.rejectUnheard, []))
  },
  memory: () => {
    const pool = createPool({ maxWorkers: 1, resourceLimits: { maxOldGenerationSizeMb: 24 } })
    return tellFailure(pool, pool.run(tasks.fillMemory, []))
  },
  async left() {
    const dir = mkdtempSync(join(tmpdir(), 'heddle-program-'))
    const pool = createPool({ maxWorkers: 1 })
    await pool.run(tasks.leaveRejection, [dir])
    const never = mkdtempSync(join(dir, 'never-'))
    const held = failureOf(pool.run(tasks.hold, [never, 'held']))
    while (!existsSync(join(never, 'log'))) await setTimeout(1)
    writeFileSync(join(dir, 'open'), '')
    const { code, cause } = await held
    tell({ code, cause: cause.code })
    tell(await pool.run(tasks.add, [1, 2]))
    await pool.drain()
    rmSync(dir, { recursive: true })
  },
  async flood() {
    const pool = createPool({ maxWorkers: 1 })
    tell(await pool.run(tasks.flood, [10 * 2 ** 20]))
    tell(await pool.run(tasks.add, [1, 2]))
    await pool.drain()
  },
  async say() {
    const pool = createPool({ maxWorkers: 1 })
    await pool.run(tasks.say, ['hello'])
    await pool.drain()
  },
  async noStart() {
    for (const code of ['throw new RangeError("no start")', withoutEntry]) {
      const pool = createPool({ maxWorkers: 1, execArgv: importing(code) })
      const begun = performance.now()
      const { code: errorCode, message, cause } = await failureOf(pool.run(tasks.add, [1, 2]))
      tell({ code: errorCode, cause: cause?.message })
      tell(message)
      tell(performance.now() - begun < 10_000 ? 'fast' : 'slow')
    }
  },
  async noOption() {
    const pool = createPool({ maxWorkers: 1, execArgv: ['--no-such-option'] })
    tell((await failureOf(pool.run(tasks.add, [1, 2]))).message)
  },
  async onProgress() {
    process.on('uncaughtException', ({ message }) => tell('uncaught', message))
    const pool = createPool({ maxWorkers: 1 })
    const onProgress = (value) => {
      throw new Error(`refused ${value}`)
    }
    tell(await pool.run(tasks.tell, [2], { onProgress }))
    tell(await pool.run(tasks.add, [1, 2]))
    await pool.drain()
  },
}

await scenarios[scenario]()
