// What tasks do with the gate of a test, see ../support/gate.js.
import { appendFileSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

export function logBegin(dir, label) {
  appendFileSync(join(dir, 'log'), `${label}\n`)
}

/** A gate that is gone has no test that waits for it any longer. */
export async function gateIsOpen(dir) {
  while (existsSync(dir) && !existsSync(join(dir, 'open'))) await delay(2)
}
