/** The longest delay that timers take without wrapping around, in milliseconds. */
export const longestTimerMs = 2 ** 31 - 1

let holders = 0
let timer: ReturnType<typeof setInterval> | undefined

/** A pending `Atomics.waitAsync` does not keep a process alive; whoever awaits a lock expects that it does. */
export function holdProcess(): void {
  holders += 1
  timer ??= setInterval(() => {}, longestTimerMs)
}

/** Takes back one `holdProcess`. */
export function letProcessGo(): void {
  holders -= 1
  if (holders > 0) return
  clearInterval(timer)
  timer = undefined
}
