// A process that works on the objects of the storm until it kills itself at a crash point, stops itself, or is killed.
import { setTimeout as delay } from 'node:timers/promises'
import { randomOf } from './random.mjs'

/** Atomic steps left until the crash; undefined: none was asked for. */
let left
const real = Atomics
const counted = ['store', 'compareExchange', 'exchange', 'add', 'sub', 'and', 'or', 'load']
const watched = Object.create(real)
for (const name of counted)
  Object.defineProperty(watched, name, {
    value: (...args) => {
      if (left !== undefined && left-- === 0) process.kill(process.pid, 'SIGKILL')
      return real[name](...args)
    },
  })
for (const name of ['wait', 'waitAsync', 'notify', 'isLockFree'])
  Object.defineProperty(watched, name, { value: (...args) => real[name](...args) })
// Before the packages are loaded: their steps are what is counted.
globalThis.Atomics = watched

const { Segment } = await import('@heddle/shared-memory')
const { openObjects, operations } = await import('./storm-objects.mjs')

process.on('disconnect', () => process.exit(0))
process.once('message', ({ segment, handles, base }) => {
  const { words } = Segment.fromHandle(segment)
  const context = { objects: openObjects(handles), words, base }
  process.once('message', (what) => void (what.mode === 'stop' ? stop(context, what) : work(context, what)))
  process.send('ready')
})

async function stop({ objects }, { step }) {
  const guard = objects.locks[step].acquireSync()
  process.send('holding')
  await delay(0)
  process.kill(process.pid, 'SIGSTOP')
  guard.release()
  process.send('released')
}

function work(context, { mode, operation, step, seed }) {
  const random = randomOf(seed)
  // As the compiler has it in a process that has run for a while, and not only in its first steps.
  for (let n = 0; n < 20; n++) operations[operation](context, random)
  if (mode === 'point') left = step
  process.send('working')
  for (;;) operations[mode === 'point' ? operation : pick(random)](context, random)
}

function pick(random) {
  const names = Object.keys(operations)
  return names[random(names.length)]
}
