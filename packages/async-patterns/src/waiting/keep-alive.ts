import { longestTimerMs } from '../platform/clock.js'
import { nextTurn } from '../platform/event-loop.js'

let holders = 0
let timer: ReturnType<typeof setTimeout> | undefined
let isLookingAgain = false

/**
 * Keeps the process alive until {@link letProcessGo}. A pending promise does not do that by itself, and what will settle it
 * need not either: `AbortSignal.timeout` and unref'd timers, sockets and workers let Node end without a word before they fire.
 */
export function holdProcess(): void {
  holders += 1
  if (timer === undefined) startTimer()
}

/** Takes back one {@link holdProcess}. */
export function letProcessGo(): void {
  holders -= 1
  if (holders > 0 || isLookingAgain) return
  // A consumer that is handed an item most often waits for the next one within the same turn of the event loop: a timer for
  // each would cost more than the hand-over.
  isLookingAgain = true
  nextTurn(lookAgain)
}

function lookAgain(): void {
  isLookingAgain = false
  if (holders > 0) return
  clearTimeout(timer)
  timer = undefined
}

function startTimer(): void {
  timer = setTimeout(startTimer, longestTimerMs)
}
