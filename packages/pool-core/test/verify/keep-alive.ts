import { holdProcess, letProcessGo } from '../../build/platform/keep-alive.js'

const timer = findTimer()

/** The one timer by which pools hold the process. */
function findTimer(): { hasRef(): boolean } {
  const { setInterval } = globalThis
  let found: ReturnType<typeof setInterval> | undefined
  const spy = (callback: () => void, ms: number) => {
    found = setInterval(callback, ms)
    return found
  }
  Object.assign(globalThis, { setInterval: spy })
  holdProcess()
  letProcessGo()
  Object.assign(globalThis, { setInterval })
  if (!found) throw new Error('the timer that holds the process is there already: import this first')
  return found
}

/** Whether some pool keeps the process alive. */
export function isProcessHeld(): boolean {
  return timer.hasRef()
}
