// Runs inside the runtime that is tested, a page included: nothing but the language and what all runtimes share.

const limitMs = 10_000

/**
 * Runs one portable case to its end, and takes away every worker that it started. Rejects when the case does, when one of
 * its workers fails, and when it takes too long. A case that is `alone` has no such limit: nothing but what it does itself
 * may keep the program alive.
 */
export async function runCase({ run, alone = false }, startThread, packageUrl) {
  const threads = []
  let fail
  const failed = new Promise((_, reject) => {
    fail = reject
  })
  const startWorker = (moduleUrl, name, data) => {
    const thread = startThread({ moduleUrl, name, data, packageUrl })
    threads.push(thread)
    thread.result.catch(fail)
    return { result: thread.result }
  }
  // Not even an unref'd timer beside the case's own: in Deno a second one keeps the program alive.
  const timer = alone ? undefined : setTimeout(() => fail(new Error(`not through after ${limitMs} ms`)), limitMs)
  try {
    await Promise.race([run({ startWorker, later }), failed])
  } finally {
    clearTimeout(timer)
    failed.catch(() => {}) // a worker that is terminated has failed as well
    await Promise.all(threads.map((thread) => thread.terminate()))
  }
}

/** Runs the cases from the given one on, and reports each end. */
export async function runCases({ indexUrl, packageUrl, from }, startThread, report) {
  const { cases } = await import(indexUrl)
  report({ type: 'list', names: cases.map(({ name }) => name) })
  for (const [index, each] of cases.entries()) {
    if (index < from) continue
    let failure
    try {
      await runCase(each, startThread, packageUrl)
    } catch (error) {
      failure = describe(error)
    }
    report({ type: 'end', index, failure })
  }
  report({ type: 'done' })
}

/** What a worker does: one function of one module, with the package and the case's data. */
export async function serve({ moduleUrl, name, data, packageUrl }) {
  try {
    const [heddle, module] = await Promise.all([import(packageUrl), import(moduleUrl)])
    return { value: await module[name](heddle, data) }
  } catch (error) {
    return { failure: describe(error) }
  }
}

/** A worker's promise and what settles it. */
export function newResult() {
  let settle
  const result = new Promise((resolve, reject) => {
    settle = { resolve, reject }
  })
  const answer = ({ value, failure }) =>
    failure === undefined ? settle.resolve(value) : settle.reject(new Error(`in a worker: ${failure}`))
  return { result, answer, fail: (why) => settle.reject(new Error(`in a worker: ${why}`)) }
}

function describe(error) {
  if (typeof error !== 'object' || error === null) return String(error)
  const code = error.code === undefined ? '' : ` (${String(error.code)})`
  return `${error.name}: ${error.message}${code}`
}

/** A timer that keeps no program alive. */
function later(work, ms) {
  const timer = setTimeout(() => work(), ms)
  if (typeof timer.unref === 'function') timer.unref()
  else globalThis.Deno?.unrefTimer(timer)
}
