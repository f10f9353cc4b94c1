import { inRootContext } from './root-context.js'

let holders = 0
let timer: ReturnType<typeof setInterval> | undefined

/** Keeps the process alive, whatever the workers' own handles say: a caller who awaits a task expects that. */
export function holdProcess(): void {
  holders += 1
  timer ??= inRootContext(() => setInterval(() => {}, 2 ** 31 - 1))
  if (holders === 1) timer.ref()
}

/** Takes back one `holdProcess`. */
export function letProcessGo(): void {
  holders -= 1
  if (holders === 0) timer?.unref()
}
