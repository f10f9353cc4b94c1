// A program of its own that holds and awaits locks: it does what it is asked to.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('../fixtures/lease-process.mjs', import.meta.url))

/** Resolves when it is connected. */
export async function startLeaseProcess(cluster) {
  const child = fork(program, [cluster.url, cluster.prefix], { execArgv: [], serialization: 'advanced' })
  const exited = once(child, 'exit')
  const answers = new Map()
  let last = 0
  child.on('message', ({ id, value, error }) => {
    const { resolve, reject } = answers.get(id)
    answers.delete(id)
    if (error === undefined) resolve(value)
    else reject(new Error(error))
  })
  void exited.then(() => {
    for (const { reject } of answers.values()) reject(new Error('the process has ended'))
  })
  const ask = (what, ...args) =>
    new Promise((resolve, reject) => {
      last += 1
      answers.set(last, { resolve, reject })
      child.send({ id: last, what, args })
    })
  await ask('connect')
  return {
    ask,
    /** The signal is delivered; of a killed one it resolves when it is gone. */
    async signal(signal) {
      child.kill(signal)
      if (signal === 'SIGKILL') await exited
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
      await exited
    },
  }
}
