import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { root } from '../root.mjs'

/** Every promise settles within so many milliseconds of the fault, and the pool is whole again. */
const boundMs = 2_000

/**
 * What goes wrong: `start` runs it in a pool, `expect` says what its promise must come to. `only: 'processes'` where a thread has
 * no such thing: a signal ends all threads of a process.
 */
function faultsOf(tasks) {
  const crashed = (more) => (outcome) => has(outcome, { code: 'ERR_WORKER_CRASHED', began: true, ...more })
  return [
    { name: 'exit', start: (pool) => pool.run(tasks.exit, [3]), expect: crashed({ exitCode: 3 }) },
    {
      name: 'SIGKILL',
      only: 'processes',
      start: (pool) => pool.run(tasks.killSelf, ['SIGKILL']),
      expect: crashed({ signal: 'SIGKILL' }),
    },
    {
      name: 'SIGSEGV',
      only: 'processes',
      start: (pool) => pool.run(tasks.killSelf, ['SIGSEGV']),
      expect: crashed({ signal: 'SIGSEGV' }),
    },
    {
      name: 'out of memory',
      options: { resourceLimits: { maxOldGenerationSizeMb: 24 } },
      // The time until the memory is gone is the task's own.
      boundMs: 10_000,
      start: (pool) => pool.run(tasks.eatMemory, []),
      expect: crashed({}),
    },
    {
      name: 'endless loop, timeout',
      start: (pool) => pool.run(tasks.spin, [], { timeout: 50 }),
      expect: (outcome) => has(outcome, { code: 'ERR_TIMEOUT' }),
    },
    {
      name: 'endless microtasks, timeout',
      start: (pool) => pool.run(tasks.spinMicrotasks, [], { timeout: 50 }),
      expect: (outcome) => has(outcome, { code: 'ERR_TIMEOUT' }),
    },
    {
      name: 'endless loop, abort',
      start: (pool) => {
        const controller = new AbortController()
        const reason = new Error('enough')
        setTimeout(() => controller.abort(reason), 50)
        return pool.run(tasks.spin, [], { signal: controller.signal }).catch((error) => {
          throw error === reason ? Object.assign(error, { code: 'as given' }) : error
        })
      },
      expect: (outcome) => has(outcome, { code: 'as given' }),
    },
    {
      name: 'ignored SIGTERM',
      only: 'processes',
      start: (pool) => pool.run(tasks.ignoreTerm, [], { timeout: 50 }),
      expect: (outcome) => has(outcome, { code: 'ERR_TIMEOUT' }),
    },
    {
      name: 'uncloneable argument',
      start: (pool) => pool.run(tasks.add, [1, () => undefined]),
      expect: (outcome) => has(outcome, { code: 'ERR_NOT_CLONEABLE', path: '[1]' }),
    },
    {
      name: 'uncloneable result',
      start: (pool) => pool.run(tasks.uncloneableResult, []),
      expect: (outcome) => has(outcome, { code: 'ERR_NOT_CLONEABLE', path: '.deep[0]' }),
    },
    {
      name: 'uncloneable error',
      start: (pool) => pool.run(tasks.uncloneableError, []),
      expect: (outcome) => has(outcome, { name: 'RangeError', code: 'E_MINE', message: 'mine' }),
    },
    {
      name: 'throw null',
      start: (pool) => pool.run(tasks.throwNull, []),
      expect: ({ status, reason }) => status === 'rejected' && reason === null,
    },
    {
      name: 'throw a frozen error',
      start: (pool) => pool.run(tasks.throwFrozen, []),
      expect: (outcome) => has(outcome, { name: 'TypeError', code: 'E_FROZEN' }),
    },
    {
      name: 'background throw',
      start: (pool) => pool.run(tasks.throwInBackground, []),
      expect: (outcome) => crashed({})(outcome) && outcome.reason.cause?.code === 'E_BACKGROUND',
    },
    {
      name: 'background rejection',
      start: (pool) => pool.run(tasks.rejectInBackground, []),
      expect: (outcome) => crashed({})(outcome) && outcome.reason.cause?.code === 'E_UNHANDLED',
    },
    {
      name: 'poison',
      start: (pool) => pool.run(tasks.exitIdempotent, [1]),
      expect: (outcome) => has(outcome, { code: 'ERR_POISON_TASK' }),
    },
    {
      name: 'crash and retry',
      start: (pool) => pool.run(tasks.exitAtFirst, []),
      expect: ({ status, value }) => status === 'fulfilled' && value === 2,
    },
  ]
}

/** The fault matrix: the task itself, one beside it, those behind it, and the pool afterwards. @returns how many rows failed */
export async function verifyFaults({ runtimes, tasks, rounds, print }) {
  let failures = 0
  let rows = 0
  for (let round = 0; round < rounds; round++)
    for (const runtime of runtimes) {
      for (const fault of faultsOf(tasks)) {
        if (fault.only && fault.only !== runtime.name) continue
        const wrong = await tryFault(runtime, fault, tasks)
        rows += 1
        if (wrong.length > 0) failures += 1
        if (wrong.length > 0 || round === 0)
          print(`fault: ${runtime.name}: ${fault.name}: ${wrong.length === 0 ? 'ok' : `FAILED: ${wrong.join('; ')}`}`)
      }
      for (const { name, check } of [
        { name: 'boot failure', check: bootFailure },
        { name: 'initializer failure', check: initializerFailure },
        ...(runtime.isProcess ? [{ name: "parent's death", check: parentDeath }] : []),
      ]) {
        const wrong = await check(runtime, tasks)
        rows += 1
        if (wrong.length > 0) failures += 1
        if (wrong.length > 0 || round === 0)
          print(`fault: ${runtime.name}: ${name}: ${wrong.length === 0 ? 'ok' : `FAILED: ${wrong.join('; ')}`}`)
      }
    }
  print(`= faults: ${rows} rows, ${failures} failures`)
  return failures
}

async function tryFault(runtime, fault, tasks) {
  const wrong = []
  const bound = fault.boundMs ?? boundMs
  const pool = runtime.create({ maxWorkers: 2, ...fault.options })
  const before = await pool.broadcast(tasks.identity, [])
  // One beside it, the fault, and those that stand behind both.
  const sibling = pool.run(tasks.wait, [200, 'beside'])
  const faulty = fault.start(pool)
  const queued = Array.from({ length: 20 }, (_, n) => pool.run(tasks.increment, [n]))
  const submitted = await Promise.all([1, 2, 3].map((n) => pool.submitTask(tasks.add, [n, n])))
  const [[outcome], [beside], behind, rows] = await within(
    Promise.all([
      Promise.allSettled([faulty]),
      Promise.allSettled([sibling]),
      Promise.allSettled(queued),
      pool.waitForAllTasks(),
    ]),
    bound,
  ).catch((error) => {
    wrong.push(error.message)
    return [[{}], [{}], [], new Map()]
  })
  if (wrong.length === 0) {
    if (!fault.expect(outcome)) wrong.push(`the task came to ${describe(outcome)}`)
    if (beside.value !== 'beside') wrong.push(`the one beside it came to ${describe(beside)}`)
    const bad = behind.find(({ value }, n) => value !== n + 1)
    if (bad) wrong.push(`one behind it came to ${describe(bad)}`)
    if ([...rows.values()].some(({ result }, index) => result !== 2 * (index + 1)))
      wrong.push('a submitted one is wrong')
    if (submitted.length !== rows.size) wrong.push('a submitted one is lost')
  }
  const after = await within(pool.broadcast(tasks.identity, []), bound).catch((error) => {
    wrong.push(`not whole again: ${error.message}`)
    return []
  })
  if (pool.stats().workers !== 2) wrong.push(`the pool has ${pool.stats().workers} workers`)
  await within(pool.terminate(), bound).catch((error) => wrong.push(`terminate: ${error.message}`))
  if (runtime.isProcess)
    for (const pid of new Set([...before, ...after]))
      if (isAlive(Number(pid))) wrong.push(`process ${pid} is left behind`)
  return wrong
}

async function bootFailure(runtime, tasks) {
  const wrong = []
  const pool = runtime.create({
    maxWorkers: 2,
    execArgv: ['--import', 'data:text/javascript,throw new Error("no start")'],
  })
  const runs = Array.from({ length: 5 }, () => pool.run(tasks.increment, [1]))
  const outcomes = await within(Promise.allSettled(runs), boundMs).catch((error) => [{ reason: error }])
  for (const outcome of outcomes)
    if (!has(outcome, { code: 'ERR_WORKER_CRASHED', began: false })) wrong.push(`it came to ${describe(outcome)}`)
  const [late] = await Promise.allSettled([pool.run(tasks.increment, [1])])
  if (!has(late, { code: 'ERR_WORKER_CRASHED' })) wrong.push(`a later one came to ${describe(late)}`)
  await within(pool.drain(), boundMs).catch((error) => wrong.push(`drain: ${error.message}`))
  return wrong
}

async function initializerFailure(runtime, tasks) {
  const wrong = []
  const pool = runtime.create({ maxWorkers: 2, initializer: tasks.throwFrozen })
  const [outcome] = await within(Promise.allSettled([pool.run(tasks.increment, [1])]), boundMs)
  if (!has(outcome, { code: 'ERR_WORKER_CRASHED' }) || outcome.reason.cause?.code !== 'E_FROZEN')
    wrong.push(`it came to ${describe(outcome)}`)
  await within(pool.terminate(), boundMs).catch((error) => wrong.push(`terminate: ${error.message}`))
  return wrong
}

/** The parent is killed while its workers loop: they end by themselves. */
async function parentDeath() {
  const script = join(root, 'packages', 'pool-core', 'test', 'verify', 'orphan-parent.mjs')
  const address = pathToFileURL(join(root, 'packages', 'process-pool', 'dist', 'index.js')).href
  const parent = spawn(process.execPath, [script, address], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = await once(parent.stdout.setEncoding('utf8'), 'data')
  const pids = JSON.parse(line)
  parent.kill('SIGKILL')
  const due = performance.now() + boundMs
  while (pids.some((pid) => isAlive(Number(pid)))) {
    if (performance.now() > due) return [`${pids.filter((pid) => isAlive(Number(pid))).join()} live on`]
    await delay(10)
  }
  return pids.length === 2 ? [] : ['there were not two workers']
}

function has({ status, reason }, expected) {
  return (
    status === 'rejected' &&
    reason !== null &&
    typeof reason === 'object' &&
    Object.entries(expected).every(([key, value]) => reason[key] === value)
  )
}

function describe({ status, value, reason }) {
  return status === 'fulfilled' ? String(value) : `${reason?.name} ${reason?.code}: ${reason?.message}`
}

async function within(promise, ms) {
  const timer = new AbortController()
  const late = delay(ms, undefined, { signal: timer.signal }).then(() => {
    throw new Error(`not settled within ${ms} ms`)
  })
  late.catch(() => undefined)
  try {
    return await Promise.race([promise, late])
  } finally {
    timer.abort()
  }
}

export function isAlive(pid) {
  try {
    // A zombie has ended, only its parent has not looked yet.
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}
