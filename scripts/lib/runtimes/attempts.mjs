const limitMs = 60_000

/**
 * Runs the cases of one package in one runtime. `attempt(from, timeout, onEvent)` runs them from a given one on and resolves
 * with why it ended; when that was before all were through, the case that had begun has failed, and a new attempt goes on
 * with the next one. All attempts together have 60 seconds: what has not run by then has failed.
 *
 * Resolves with what became of the cases, one row each: `{ name, failure }` or `{ name }`. The cases that
 * have not run share one row with their `number`.
 */
export async function runAttempts(attempt, signal) {
  const deadline = performance.now() + limitMs
  const rows = []
  let names
  for (;;) {
    const left = deadline - performance.now()
    if (left <= 0) return [...rows, notRun(names, rows.length)]
    let done = false
    const onEvent = ({ type, index, failure, ...event }) => {
      if (type === 'list') names = event.names
      else if (type === 'done') done = true
      else if (type === 'end') rows.push({ name: names[index], failure })
    }
    const why = await attempt(rows.length, left, onEvent)
    signal.throwIfAborted()
    if (done) return rows
    if (names === undefined) return [{ name: 'the cases can be loaded', failure: why }]
    // All are through and it did not say so, or the one that was next has failed.
    if (rows.length === names.length) return [...rows, { name: 'the program ends by itself', failure: why }]
    rows.push({ name: names[rows.length], failure: why })
    if (rows.length === names.length) return rows
  }
}

function notRun(names, from) {
  const number = names.length - from
  return { name: `${number} more`, number, failure: `not run: ${limitMs / 1_000} seconds had passed` }
}
