import { workerData } from 'node:worker_threads'
import { Mutex, ReadWriteLock } from '@heddle/sync-primitives'
import { between } from '../lanes/chance.js'
import { LaneWriter, restSync } from '../lanes/lane-words.js'
import { type LocksWork, lockSubjects } from './locks-work.js'

/** A thread of `locks`. */
const { words, place, sums, ...handles } = workerData as LocksWork
const lane = new LaneWriter(words, place, lockSubjects)
const [ledger, reading, writing] = lockSubjects

// Called when the owner before has died, before anybody sees what it left; then the lock counts as sound again.
const mutex = Mutex.fromHandle(handles.mutex, {
  onOwnerDied() {
    sums[1] = sums[0] ?? 0
    lane.tell('holding', ledger, true)
  },
})
const lock = ReadWriteLock.fromHandle(handles.lock, {
  onOwnerDied() {
    sums[3] = sums[2] ?? 0
    lane.tell('holding', writing, true)
  },
})

for (;;) {
  lane.tell('idle')
  restSync(words, between(100, 300))
  const dice = Math.random()
  if (dice < 0.5) book()
  else if (dice < 0.85) read()
  else write()
}

/** Two sums that belong together, and a rest between them. */
function book(): void {
  lane.tell('waiting', ledger)
  using _guard = mutex.acquireSync()
  lane.tell('holding', ledger)
  sums[0] = (sums[0] ?? 0) + 1
  restSync(words, between(100, 250))
  sums[1] = (sums[1] ?? 0) + 1
  if (sums[0] !== sums[1]) throw new Error('the ledger does not add up')
  // Before the release: or the next owner says that it holds while this one still seems to.
  lane.tell('idle')
}

function read(): void {
  lane.tell('waiting', reading)
  using _guard = lock.acquireReadSync()
  lane.tell('holding', reading)
  restSync(words, between(100, 250))
  if (sums[2] !== sums[3]) throw new Error('the catalogue does not add up')
  lane.tell('idle')
}

function write(): void {
  lane.tell('waiting', writing)
  using _guard = lock.acquireWriteSync()
  lane.tell('holding', writing)
  sums[2] = (sums[2] ?? 0) + 1
  restSync(words, between(100, 250))
  sums[3] = (sums[3] ?? 0) + 1
  lane.tell('idle')
}
