// One scenario of the conformance suite as a program: program.mjs <address of a pool's kit.mjs> <scenario>.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate, setTimeout } from 'node:timers/promises'

const [, , kitUrl, scenario] = process.argv
const { createPool, tasks } = await import(kitUrl)

const codeOf = (promise) =>
  promise.then(
    () => 'no error',
    (error) => error?.code ?? error?.name ?? error,
  )

async function until(condition, what) {
  const limit = performance.now() + 15_000
  while (!(await condition())) {
    if (performance.now() > limit) throw new Error(`never came: ${what()}`)
    await setTimeout(1)
  }
}

async function inFolder(use) {
  const dir = mkdtempSync(join(tmpdir(), 'heddle-program-'))
  try {
    await use(dir)
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

/** What keeps this program alive, and who listens to what it shares with its workers. */
function resources() {
  // These two open when they are looked at for the first time.
  const emitters = [process, process.stdout, process.stderr]
  // A file that is being closed is the loader's, and gone in a moment.
  const active = process.getActiveResourcesInfo().filter((name) => name !== 'CloseReq')
  const listeners = emitters.map((emitter) =>
    emitter.eventNames().map((name) => `${String(name)} ${emitter.listenerCount(name)}`),
  )
  return [active, ...listeners].map((names) => names.sort().join()).join(' | ')
}

const scenarios = {
  async notClosed() {
    const pool = createPool({ maxWorkers: 1 })
    await pool.submitTask(tasks.fail, ['builtIn'])
    for (let turn = 0; turn < 10; turn++) await setImmediate()
    console.log(await codeOf(pool.run(tasks.exit, [1])))
    await inFolder(async (dir) => {
      console.log(await codeOf(pool.run(tasks.spin, [dir, 'limited'], { timeout: 20 })))
    })
    // Nobody awaits this one; the program ends when it is done, while its pool is idle.
    void pool.run(tasks.addLater, [1, 2]).then((sum) => console.log(sum))
  },

  async ending() {
    const before = resources()
    const drained = createPool({ maxWorkers: 1 })
    const terminated = createPool({ maxWorkers: 1 })
    await inFolder(async (dir) => {
      const { signal } = new AbortController()
      await Promise.all([
        drained.run(tasks.add, [1, 2], { signal }),
        drained.run(tasks.add, [1, 2], { timeout: 10_000 }),
      ])
      await codeOf(drained.run(tasks.exit, [1]))
      await codeOf(drained.run(tasks.spin, [dir, 'loop'], { timeout: 10 }))
      await drained.submitTask(tasks.add, [1, 2])
      await drained.drain()
      console.log('drained')
      await terminated.run(tasks.add, [1, 2])
      void codeOf(terminated.run(tasks.spin, [dir, 'loop']))
      await terminated.terminate()
      console.log('terminated')
    })
    await until(
      () => resources() === before,
      () => `${before}, still there is ${resources()}`,
    )
  },

  async background() {
    const isCrash = ({ code }) => code === 'ERR_WORKER_CRASHED'
    const pool = createPool({ maxWorkers: 1 })
    await inFolder(async (dir) => {
      const worker = await pool.run(tasks.leaveThrow, [dir])
      writeFileSync(join(dir, 'open'), '')
      const errors = []
      const isReplaced = async () => {
        const now = await pool.run(tasks.worker, []).catch((error) => errors.push(error))
        return typeof now === 'string' && now !== worker
      }
      await until(isReplaced, () => 'a new worker')
      console.log('while idle:', errors.length <= 1 && errors.every(isCrash) ? 'at most one' : errors)
    })

    await inFolder(async (dir) => {
      await pool.run(tasks.leaveThrow, [dir])
      await inFolder(async (never) => {
        const held = pool.run(tasks.hold, [never, 'held'])
        const behind = pool.run(tasks.add, [1, 2])
        // Before it has begun, the throw would cost nobody: it would be given to the next worker, and run for ever.
        await until(
          () => existsSync(join(never, 'log')),
          () => 'the task that is held',
        )
        writeFileSync(join(dir, 'open'), '')
        console.log('while busy:', await codeOf(held))
        console.log('behind it:', await behind)
      })
      await pool.drain()
    })

    await inFolder(async (dir) => {
      const ending = createPool({ maxWorkers: 1 })
      await ending.run(tasks.leaveThrow, [dir])
      writeFileSync(join(dir, 'open'), '')
      // Sees and hears nothing while the worker throws, so that the end of the pool comes first.
      const blocked = performance.now()
      while (performance.now() - blocked < 100);
      await ending.drain()
      console.log('while ending: nothing')
    })
  },
}

await scenarios[scenario]()
