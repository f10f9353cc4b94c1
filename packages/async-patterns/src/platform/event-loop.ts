/**
 * Lets timers and input breathe while a backlog is worked off: a chain of promises never lets go of the thread by itself, and
 * a million small tasks would keep every timer waiting until the last is done.
 *
 * Invariant: `isTurnMarked` is true exactly while a turn of the event loop is on order; the turn then begins a new budget.
 */
const budgetMs = 5
const mostSkipped = 32

// Taken when the module is loaded: a test's fake timers must not stop what has nothing to do with time.
const orderTurn = turnOrderer()

let isTurnMarked = false
let turnBegan = 0
let lastLook = 0
let callsToSkip = 1
let skipped = 0
let resting: (() => void)[] = []

/**
 * Whether so much was done since the event loop last went round that the caller should go on in {@link nextTurn}. Call it
 * once for each small piece of work: it reads the clock rarely while the pieces are small, and each time when they are not.
 */
export function isTurnDue(): boolean {
  skipped += 1
  if (skipped < callsToSkip) return false
  skipped = 0
  const now = performance.now()
  if (!isTurnMarked) {
    markTurn()
    turnBegan = now
    lastLook = now
    return false
  }
  const sinceLook = now - lastLook
  lastLook = now
  if (sinceLook > 1) callsToSkip = 1
  else if (sinceLook < 0.1) callsToSkip = Math.min(2 * callsToSkip, mostSkipped)
  return now - turnBegan >= budgetMs
}

/** Calls `callback` after timers and input had their turn. */
export function nextTurn(callback: () => void): void {
  resting.push(callback)
  markTurn()
}

function markTurn(): void {
  if (isTurnMarked) return
  isTurnMarked = true
  orderTurn(onTurn)
}

function onTurn(): void {
  isTurnMarked = false
  const callbacks = resting
  resting = []
  for (const callback of callbacks) callback()
}

function turnOrderer(): (callback: () => void) => void {
  if (typeof setImmediate === 'function') {
    const order = setImmediate
    return (callback) => void order(callback)
  }
  // A page: timers of 0 ms are held back to 4 there once they follow each other, messages are not.
  if (typeof MessageChannel === 'function') {
    const { port1, port2 } = new MessageChannel()
    let callback: (() => void) | undefined
    // Setting the handler is what starts the port in a page; Node's types do not know it.
    ;(port1 as unknown as { onmessage: () => void }).onmessage = () => callback?.()
    return (next) => {
      callback = next
      port2.postMessage(undefined)
    }
  }
  const order = setTimeout
  return (callback) => void order(callback, 0)
}
