import { fork } from 'node:child_process'
import { once } from 'node:events'
import { newResult, runCase } from '../../../../scripts/lib/runtimes/host/run-cases.mjs'
import { startThread } from '../../../../scripts/lib/runtimes/host/threads.mjs'
import { pack, unpack } from '../fixtures/processes/plain.mjs'

const fixture = (name) => new URL(`../fixtures/processes/${name}`, import.meta.url)
const packageUrl = fixture('package.mjs').href

/** Processes that are through with their job. */
const idle = []

async function end(child) {
  const ended = once(child, 'exit')
  child.kill('SIGKILL')
  await ended
}

/** Has a process do a job, as `startThread` has a thread. */
const startProcess = (segment) => (job) => {
  const child = idle.pop() ?? fork(fixture('portable-process.mjs'), { execArgv: [], serialization: 'json' })
  const { result, answer, fail } = newResult()
  let isDone = false
  const onAnswer = (message) => {
    isDone = true
    answer(unpack(message, segment.words))
  }
  const onExit = (code, signal) => fail(`it ended with ${code ?? signal} before it answered`)
  child.once('message', onAnswer)
  child.once('exit', onExit)
  child.send({ segment: segment.toHandle(), job: pack(job, segment.words) })
  return {
    result,
    async terminate() {
      child.off('message', onAnswer)
      child.off('exit', onExit)
      if (child.exitCode !== null || child.signalCode !== null) return
      if (isDone) idle.push(child)
      else await end(child)
    },
  }
}

export const endProcesses = () => Promise.all(idle.splice(0).map(end))

const inMemory = (each, memory) => ({ ...each, run: (context) => each.run({ ...context, memory }) })

export const runWithThreads = (each, segment) => runCase(inMemory(each, segment), startThread, packageUrl)

export const runWithProcesses = (each, segment) => runCase(inMemory(each, segment), startProcess(segment), packageUrl)
