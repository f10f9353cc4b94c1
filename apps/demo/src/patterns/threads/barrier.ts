import { Barrier, ThreadSafeCounter } from '@heddle/sync-primitives'
import { ThreadPoolManager } from '@heddle/worker-pool'
import { failureCode } from '../failure-code.js'
import type { Pattern } from '../pattern.js'
import { passRounds } from './lock-tasks.js'

const parties = 3
const rounds = 50

/** Threads wait for each other, round after round. */
export const barrier: Pattern = {
  name: 'barrier',
  title: 'Barrier',
  kind: 'class',
  packages: ['@heddle/sync-primitives'],
  mends:
    'its wait has no end, so one party that never comes holds the others for ever: here whoever gives up breaks the barrier, and all who wait are told',
  async run({ print, signal }) {
    const meeting = new Barrier(parties)
    const arrivals = new ThreadSafeCounter()
    // With fewer threads than parties, those that run would wait for those that never begin.
    await using pool = new ThreadPoolManager({ maxWorkers: parties })
    const passed = await Promise.all(
      Array.from({ length: parties }, () => pool.run(passRounds, [meeting, arrivals, rounds], { signal })),
    )
    const roundNumbers = Array.from({ length: rounds }, (_, index) => index + 1)
    const lastOnes = roundNumbers.map((round) => passed.filter((turns) => turns[round - 1]?.serial).length)
    print(`${parties} threads have passed ${rounds} times`)

    // The third one does not come.
    const codes = await Promise.all([
      failureCode(signal, () => meeting.wait({ signal })),
      failureCode(signal, () => meeting.wait({ timeout: 10, signal })),
    ])
    const { broken } = meeting.getState()
    print(`who gives up gets ${String(codes[1])}, and the other one ${String(codes[0])}`)
    meeting.reset()
    const again = await Promise.all(
      Array.from({ length: parties }, () => pool.run(passRounds, [meeting, new ThreadSafeCounter(), 1], { signal })),
    )

    return [
      {
        what: 'how many parties were the last one, in each round',
        actual: lastOnes,
        expected: roundNumbers.map(() => 1),
      },
      ...passed.map((turns, party) => ({
        what: `the rounds in which party ${party} met all others`,
        actual: Array.from(turns, ({ round }) => round),
        expected: roundNumbers,
      })),
      {
        what: 'a party that waits for ever, and one that does not',
        actual: codes,
        expected: ['ERR_BARRIER_BROKEN', 'ERR_TIMEOUT'],
      },
      { what: 'whether the barrier is broken then', actual: broken, expected: true },
      { what: 'the last one after a reset', actual: again.flat().filter(({ serial }) => serial).length, expected: 1 },
    ]
  },
}
