/** The longest delay that timers take without wrapping around, in milliseconds. */
export const longestTimerMs = 2 ** 31 - 1

let holders = 0
let timer: ReturnType<typeof setTimeout> | undefined

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
  if (holders > 0) return
  clearTimeout(timer)
  timer = undefined
}

function startTimer(): void {
  timer = setTimeout(startTimer, longestTimerMs)
}
