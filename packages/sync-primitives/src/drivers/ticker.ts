import { sliceMs } from './perform.js'

/** Somebody who wants to look again now and then, since a wake-up may have been lost. */
interface Ticking {
  tick(): void
}

/** A timer as Node.js and Bun have it. Elsewhere it is a number, and cannot be kept without keeping the program alive. */
interface Referenced {
  ref(): unknown
  unref(): unknown
}

const ticking = new Set<Ticking>()
let holders = 0
let timer: ReturnType<typeof setInterval> | undefined

/**
 * A pending `Atomics.waitAsync` does not keep a process alive; whoever awaits a lock expects that it does. One timer does that
 * for the whole thread, and it is also what looks after lost wake-ups: a time limit for each `waitAsync` would cost half as much
 * as a round trip between two threads.
 */
export function holdProcess(): void {
  holders += 1
  if (holders > 1) return
  if (timer === undefined) timer = setInterval(tickAll, sliceMs)
  else if (isReferenced(timer)) timer.ref()
}

/** Takes back one `holdProcess`. */
export function letProcessGo(): void {
  holders -= 1
  // It stays for the next one to come, until a tick finds that nobody came.
  if (holders === 0 && isReferenced(timer)) timer.unref()
}

/** Calls `tick` once in a slice of time, as long as it is not removed; by itself it does not keep the process alive. */
export function startTicking(who: Ticking): void {
  ticking.add(who)
}

export function stopTicking(who: Ticking): void {
  ticking.delete(who)
}

function tickAll(): void {
  for (const who of ticking) who.tick()
  if (ticking.size > 0 || holders > 0) return
  clearInterval(timer)
  timer = undefined
}

function isReferenced(value: unknown): value is Referenced {
  return typeof (value as Partial<Referenced> | undefined)?.unref === 'function'
}
