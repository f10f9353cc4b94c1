import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('../fixtures/dict-child.mjs', import.meta.url))

export function startProcess(job, dict, data) {
  const child = fork(program, { serialization: 'json' })
  child.send({ job, handle: dict.toHandle(), ...data })
  return child
}

export async function ended(child) {
  const [code, signal] = await once(child, 'exit')
  return code ?? signal
}

export async function said(child) {
  const [message] = await once(child, 'message')
  return message
}
