import * as heddle from '@heddle/sync-primitives'
import { countingController, equal, ok, rejects, rejectsWith, staysPending, until } from './assert.js'
import { ARRIVED, LEFT, newBoard, readPair, STAGE, tell, untilMixed, writePair } from './shared.js'

const { ReadWriteLock } = heddle
const workers = new URL('./workers.js', import.meta.url).href
const rounds = 200

/** Takes the lock for writing at once, and lets go: so that nobody holds it in any way. */
function isFree(lock) {
  const guard = lock.tryAcquireWrite()
  guard?.release()
  return guard !== undefined
}

export const cases = [
  {
    name: 'a worker reads while the main thread reads, and does not write',
    async run({ startWorker, memory }) {
      const lock = new ReadWriteLock({ memory })
      const data = { type: 'ReadWriteLock', handle: lock.toHandle() }
      const guard = await lock.acquireRead()
      equal(await startWorker(workers, 'tryRead', data).result, true, 'whether the worker may read')
      equal(await startWorker(workers, 'tryWrite', data).result, false, 'whether the worker may write')
      guard.release()
      equal(await startWorker(workers, 'tryWrite', data).result, true, 'whether it may write afterwards')
    },
  },
  {
    name: 'while the main thread writes, a worker neither reads nor writes',
    async run({ startWorker, memory }) {
      const lock = new ReadWriteLock({ memory })
      const data = { type: 'ReadWriteLock', handle: lock.toHandle() }
      const guard = await lock.acquireWrite()
      equal(await startWorker(workers, 'tryRead', data).result, false, 'whether the worker may read')
      equal(await startWorker(workers, 'tryWrite', data).result, false, 'whether the worker may write')
      guard.release()
      equal(await startWorker(workers, 'tryRead', data).result, true, 'whether it may read afterwards')
    },
  },
  {
    name: 'nobody sees what another thread has written by half',
    async run({ startWorker, memory }) {
      const lock = new ReadWriteLock({ memory })
      const board = newBoard(memory)
      const data = { type: 'ReadWriteLock', handle: lock.toHandle(), board, who: 1, rounds }
      const { result } = startWorker(workers, 'readAndWritePair', data)
      await until(() => Atomics.load(board, ARRIVED) === 1, 'the worker is there')
      tell(board)
      let [writes, torn] = [0, 0]
      const goesOn = untilMixed(board, rounds)
      for (let round = 0; goesOn(round); round++) {
        const whole =
          round % 4 === 0 ? await lock.runWrite(() => writePair(board, 0)) : await lock.runRead(() => readPair(board))
        if (round % 4 === 0) writes += 1
        if (!whole) torn += 1
      }
      const others = await result
      equal(torn + others.torn, 0, 'how often a pair was torn')
      equal(board[LEFT], writes + others.writes, 'how often it was written')
      ok(isFree(lock), 'the lock is free in the end')
    },
  },
  {
    name: 'a writer that waits is not passed by readers who come later',
    async run({ memory }) {
      const lock = new ReadWriteLock({ memory })
      const reader = await lock.acquireRead()
      const writer = lock.acquireWrite()
      const late = lock.acquireRead()
      equal(lock.tryAcquireRead(), undefined, 'tryAcquireRead while a writer waits')
      await staysPending(writer, 'the writer waits for the reader')
      await staysPending(late, 'the late reader waits for the writer')
      reader.release()
      const writing = await writer
      await staysPending(late, 'the late reader waits while the writer writes')
      writing.release()
      ;(await late).release()
      ok(isFree(lock), 'the lock is free in the end')
    },
  },
  {
    name: 'a writer that waits in a worker gets its turn once the readers are gone',
    async run({ startWorker, memory }) {
      const lock = new ReadWriteLock({ memory })
      const board = newBoard(memory)
      const readers = [await lock.acquireRead(), await lock.acquireRead()]
      const data = { type: 'ReadWriteLock', handle: lock.toHandle(), board }
      const { result } = startWorker(workers, 'writeOnce', data)
      await until(() => Atomics.load(board, STAGE) === 1, 'the worker asks')
      readers[0].release()
      await staysPending(result, 'the worker waits for the second reader')
      readers[1].release()
      equal(await result, 'wrote', 'what the worker says')
    },
  },
  {
    name: 'one who gives up writing lets the readers behind it go on',
    async run({ memory }) {
      const lock = new ReadWriteLock({ memory })
      const reader = await lock.acquireRead()
      const { controller, signal } = countingController()
      const writer = lock.acquireWrite({ signal })
      const late = lock.acquireRead()
      const reason = { why: 'enough' }
      controller.abort(reason)
      await rejectsWith(writer, reason, 'what the aborted acquireWrite rejects with')
      ;(await late).release()
      await rejects(lock.acquireWrite({ timeout: 20 }), 'ERR_TIMEOUT', 'an acquireWrite of 20 ms')
      const next = lock.tryAcquireRead()
      ok(next !== undefined, 'a reader after the writer has given up')
      next.release()
      reader.release()
      ok(isFree(lock), 'the lock is free in the end')
    },
  },
  {
    name: 'downgrade keeps writers out and lets readers in',
    async run({ memory }) {
      const lock = new ReadWriteLock({ memory })
      const writing = await lock.acquireWrite()
      const reading = writing.downgrade()
      equal(writing.held, false, 'the write guard after its downgrade')
      equal(reading.held, true, 'the read guard')
      const other = lock.tryAcquireRead()
      ok(other !== undefined, 'another reader comes in')
      equal(lock.tryAcquireWrite(), undefined, 'tryAcquireWrite after the downgrade')
      writing.release()
      equal(reading.held, true, 'the read guard after a release of the write guard')
      other.release()
      reading.release()
      ok(isFree(lock), 'the lock is free in the end')
    },
  },
  {
    name: 'one upgradable reader is there beside the others, and writes when they are gone',
    async run({ memory }) {
      const lock = new ReadWriteLock({ memory })
      const reader = await lock.acquireRead()
      const upgradable = await lock.acquireUpgradableRead()
      equal(lock.tryAcquireUpgradableRead(), undefined, 'a second upgradable reader')
      equal(upgradable.tryUpgrade(), undefined, 'tryUpgrade while another one reads')
      const upgrade = upgradable.upgrade()
      await staysPending(upgrade, 'the upgrade waits for the reader')
      reader.release()
      const writing = await upgrade
      equal(lock.tryAcquireRead(), undefined, 'tryAcquireRead while it writes')
      writing.release()
      ok(isFree(lock), 'the lock is free in the end')
    },
  },
  {
    name: 'an upgrade that gives up reads on',
    async run({ memory }) {
      const lock = new ReadWriteLock({ memory })
      const reader = await lock.acquireRead()
      const upgradable = await lock.acquireUpgradableRead()
      await rejects(upgradable.upgrade({ timeout: 20 }), 'ERR_TIMEOUT', 'an upgrade of 20 ms')
      equal(upgradable.held, true, 'the upgradable guard after it gave up')
      const plain = upgradable.downgrade()
      equal(plain.held, true, 'the plain guard after its downgrade')
      plain.release()
      reader.release()
      ok(isFree(lock), 'the lock is free in the end')
    },
  },
  {
    name: 'runRead and runWrite release on a throw, and the error passes as it is',
    async run({ memory }) {
      const lock = new ReadWriteLock({ memory })
      const failure = new Error('of the function')
      const fail = () => {
        throw failure
      }
      await rejectsWith(lock.runRead(fail), failure, 'what runRead rejects with')
      await rejectsWith(lock.runWrite(fail), failure, 'what runWrite rejects with')
      await rejectsWith((async () => lock.runReadSync(fail))(), failure, 'what runReadSync throws')
      await rejectsWith((async () => lock.runWriteSync(fail))(), failure, 'what runWriteSync throws')
      ok(isFree(lock), 'the lock is free in the end')
    },
  },
  {
    name: 'a second release of a guard does nothing, whoever holds the lock by then',
    async run({ memory }) {
      const lock = new ReadWriteLock({ memory })
      const first = await lock.acquireRead()
      first.release()
      const second = await lock.acquireRead()
      first.release()
      equal(lock.tryAcquireWrite(), undefined, 'tryAcquireWrite while the second guard reads')
      second[Symbol.dispose]()
      const writing = lock.acquireWriteSync()
      second.release()
      writing.release()
      const next = lock.acquireWriteSync()
      writing.release()
      equal(next.held, true, 'the guard of the next writer')
      equal(lock.tryAcquireRead(), undefined, 'tryAcquireRead while it writes')
      next.release()
    },
  },
]
