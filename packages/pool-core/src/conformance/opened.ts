import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

/** How many tasks of this thread wait at a gate, by its folder. */
const waiting = new Map<string, number>()

/** Waits until the gate is open. One that is gone holds nobody. */
export async function opened(dir: string): Promise<void> {
  waiting.set(dir, (waiting.get(dir) ?? 0) + 1)
  while (existsSync(dir) && !existsSync(join(dir, 'open'))) await delay(2)
  const left = (waiting.get(dir) ?? 0) - 1
  if (left > 0) waiting.set(dir, left)
  else waiting.delete(dir)
}

export function isAwaitedHere(dir: string): boolean {
  return waiting.has(dir)
}
