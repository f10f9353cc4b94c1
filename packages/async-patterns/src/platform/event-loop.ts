/**
 * Lets timers and input breathe while a backlog is worked off: a chain of promises never lets go of the thread by itself, and
 * a million small tasks would keep every timer waiting until the last is done. And tells the time roughly, since reading the
 * clock costs as much as the rest of a small task.
 *
 * Invariant: `isTurnMarked` is true exactly while a turn of the event loop is on order. With the turn the budget ends; the next
 * one begins with the next look at the clock, and then a turn is on order.
 */
const budgetMs = 5
const mostSkipped = 32

// Taken when the module is loaded: a test's fake timers must not stop what has nothing to do with time.
const orderTurn = turnOrderer()

let isTurnMarked = false
let hasBudget = false
let budgetBegan = 0
let lastLook = 0
let callsToSkip = 1
let skipped = 0
let resting: (() => void)[] = []

/**
 * Milliseconds on the clock of `performance.now()`, as they were a moment ago: never before the event loop last went round,
 * and within a tenth of a millisecond or so while what lies between the calls takes little. The clock is read at every call
 * after a turn, and more and more rarely while little lies between them; at most `mostSkipped` long ones go unseen.
 */
export function roughNow(): number {
  skipped += 1
  if (hasBudget && skipped < callsToSkip) return lastLook
  skipped = 0
  const now = performance.now()
  if (hasBudget) {
    if (now - lastLook > 1) callsToSkip = 1
    else if (now - lastLook < 0.1) callsToSkip = Math.min(2 * callsToSkip, mostSkipped)
  } else {
    markTurn()
    hasBudget = true
    budgetBegan = now
  }
  lastLook = now
  return now
}

/**
 * Whether so much was done since the event loop last went round that the caller should go on in {@link nextTurn}. Call it
 * once for each small piece of work.
 */
export function isTurnDue(): boolean {
  return roughNow() - budgetBegan >= budgetMs
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
  hasBudget = false
  callsToSkip = 1
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
