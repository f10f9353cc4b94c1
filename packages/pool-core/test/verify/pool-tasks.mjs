// Tasks that do everything that goes wrong, for `npm run verify -- pools`.
import { writeFileSync } from 'node:fs'
import { defineTask, taskContext } from '@heddle/pool-core'

const define = (name, fn, policy) => defineTask(import.meta.url, name, fn, policy)

export const add = define('add', (a, b) => a + b)
export const increment = define('increment', (n) => n + 1, { idempotent: true })
export const identity = define('identity', () => `${process.pid}`)
export const wait = define('wait', (ms, value) => new Promise((resolve) => setTimeout(resolve, ms, value)))
export const compute = define('compute', (ms) => {
  const until = performance.now() + ms
  while (performance.now() < until);
  return ms
})
export const exit = define('exit', (code) => process.exit(code))
export const exitIdempotent = define('exitIdempotent', (code) => process.exit(code), { idempotent: true })
export const exitAtFirst = define(
  'exitAtFirst',
  () => (taskContext().attempt === 1 ? process.exit(1) : taskContext().attempt),
  { idempotent: true },
)
export const killSelf = define('killSelf', (signal) => {
  process.kill(process.pid, signal)
  for (;;);
})
export const eatMemory = define('eatMemory', () => {
  const eaten = []
  for (;;) eaten.push(Array.from({ length: 100_000 }, () => ({})))
})
export const spin = define('spin', () => {
  for (;;);
})
export const spinMicrotasks = define('spinMicrotasks', async () => {
  for (;;) await Promise.resolve()
})
export const ignoreTerm = define('ignoreTerm', () => {
  process.on('SIGTERM', () => undefined)
  for (;;);
})
export const uncloneableResult = define('uncloneableResult', () => ({ deep: [() => undefined] }))
export const uncloneableError = define('uncloneableError', () => {
  throw Object.assign(new RangeError('mine'), { code: 'E_MINE', hook: () => undefined })
})
export const throwNull = define('throwNull', () => {
  throw null
})
export const throwFrozen = define('throwFrozen', () => {
  throw Object.freeze(Object.assign(new TypeError('frozen'), { code: 'E_FROZEN' }))
})
export const throwInBackground = define('throwInBackground', () => {
  setTimeout(() => {
    throw Object.assign(new Error('in the background'), { code: 'E_BACKGROUND' })
  }, 1)
  return new Promise(() => undefined)
})
export const rejectInBackground = define('rejectInBackground', () => {
  void Promise.reject(Object.assign(new Error('unhandled'), { code: 'E_UNHANDLED' }))
  return new Promise(() => undefined)
})
export const floodStderr = define('floodStderr', (bytes) => {
  const line = `${'x'.repeat(1023)}\n`
  for (let written = 0; written < bytes; written += line.length) process.stderr.write(line)
  return bytes
})
export const cooperate = define('cooperate', (file) => {
  const { signal } = taskContext()
  return new Promise((resolve) => {
    const end = () => {
      if (file) writeFileSync(file, 'ended')
      resolve('ended')
    }
    if (signal.aborted) end()
    else signal.addEventListener('abort', end)
  })
})
export const count = define('count', async function* (to) {
  for (let n = 0; n < to; n++) yield n
})
export const tell = define('tell', (times) => {
  const context = taskContext()
  for (let n = 0; n < times; n++) context.progress(n)
  return times
})
