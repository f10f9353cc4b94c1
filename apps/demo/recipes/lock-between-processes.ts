import { fork } from 'node:child_process'
import { once } from 'node:events'
import { Segment, SharedArray } from '@heddle/shared-memory'
import { Mutex } from '@heddle/sync-primitives'

// Two accounts that together hold 100. Whoever holds the lock finds it so.
using segment = Segment.create({ size: 1 << 16 })
const accounts = segment.getOrCreate('accounts', () => new SharedArray('int32', [100, 0], { memory: segment }))
const lock = segment.getOrCreate('lock', () => new Mutex({ memory: segment }))

const child = fork(new URL('./lock-between-processes-child.js', import.meta.url), [segment.name])
const ended = once(child, 'exit')
await once(child, 'message') // it holds the lock, and has done half of a transfer
console.log(`while the child holds it: ${lock.tryAcquire() ? 'free' : 'locked'}`)
child.kill('SIGKILL')

// Nobody waits for the dead: the lock passes on, and says what has happened.
using guard = await lock.acquire({ timeout: 10_000 })
console.log(`the owner before died: ${guard.ownerDied}`)
console.log(`it has left ${accounts.get(0)} and ${accounts.get(1)}`)
accounts.set(1, 100 - accounts.get(0))
guard.markConsistent()
console.log(`repaired, they are ${accounts.get(0)} and ${accounts.get(1)}`)

const [, signal] = await ended
console.log(`the child was ended by ${signal}`)
