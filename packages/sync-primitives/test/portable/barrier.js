import * as heddle from '@heddle/sync-primitives'
import { equal, equalList, rejects, rejectsWith, staysPending } from './assert.js'
import { ARRIVED, newBoard } from './shared.js'

const { Barrier } = heddle
const workers = new URL('./workers.js', import.meta.url).href

export const cases = [
  {
    name: 'nobody passes before all have come, and each turn has every index once and one serial party',
    async run({ startWorker, memory }) {
      const barrier = new Barrier(3, { memory })
      const board = newBoard(memory)
      const turns = 10
      const { result } = startWorker(workers, 'meetOften', {
        type: 'Barrier',
        handle: barrier.toHandle(),
        board,
        turns,
      })
      const early = []
      const meet = async () => {
        const seen = []
        for (let turn = 0; turn < turns; turn++) {
          Atomics.add(board, ARRIVED, 1)
          const { index, serial } = await barrier.wait()
          if (Atomics.load(board, ARRIVED) < 3 * (turn + 1)) early.push(turn)
          seen.push({ index, serial })
        }
        return seen
      }
      const parties = await Promise.all([meet(), meet(), result])
      equalList(early, [], 'turns that somebody passed before all had come')
      for (let turn = 0; turn < turns; turn++) {
        const all = parties.map((seen) => seen[turn])
        equalList(
          all.map(({ index }) => index).sort((a, b) => a - b),
          [0, 1, 2],
          `the indices of turn ${turn}`,
        )
        equal(all.filter(({ serial }) => serial).length, 1, `the serial parties of turn ${turn}`)
      }
    },
  },
  {
    name: 'the action runs once per turn, before anybody goes on',
    async run({ memory }) {
      const log = []
      const barrier = new Barrier(2, { memory, action: () => log.push('action') })
      const meet = async () => {
        await barrier.wait()
        log.push('passed')
      }
      await Promise.all([meet(), meet()])
      equalList(log, ['action', 'passed', 'passed'], 'what happened')
    },
  },
  {
    name: 'a party that times out breaks the barrier for the others, and reset mends it',
    async run({ memory }) {
      const barrier = new Barrier(3, { memory })
      const other = barrier.wait()
      await Promise.all([
        rejects(barrier.wait({ timeout: 20 }), 'ERR_TIMEOUT', 'the party that times out'),
        rejects(other, 'ERR_BARRIER_BROKEN', 'the other party'),
      ])
      await rejects(barrier.wait(), 'ERR_BARRIER_BROKEN', 'one who comes later')
      barrier.reset()
      const turns = await Promise.all([barrier.wait(), barrier.wait(), barrier.wait()])
      equalList(
        turns.map(({ index }) => index).sort((a, b) => a - b),
        [0, 1, 2],
        'the indices after the reset',
      )
    },
  },
  {
    name: 'a party that is aborted rejects with the reason as given and breaks the barrier for the others',
    async run({ memory }) {
      const barrier = new Barrier(3, { memory })
      const controller = new AbortController()
      const reason = { why: 'enough' }
      const [aborted, other] = [barrier.wait({ signal: controller.signal }), barrier.wait()]
      controller.abort(reason)
      await Promise.all([
        rejectsWith(aborted, reason, 'the party that is aborted'),
        rejects(other, 'ERR_BARRIER_BROKEN', 'the other party'),
      ])
    },
  },
  {
    name: 'abort breaks the barrier for a worker that blocks in it',
    async run({ startWorker, memory }) {
      const barrier = new Barrier(3, { memory })
      const data = { type: 'Barrier', handle: barrier.toHandle(), call: 'waitSync', timeout: 5_000 }
      const { result } = startWorker(workers, 'timeOut', data)
      const waiting = barrier.wait()
      await staysPending(waiting, 'two of three wait')
      barrier.abort()
      const [{ code }] = await Promise.all([result, rejects(waiting, 'ERR_BARRIER_BROKEN', 'the main thread')])
      equal(code, 'ERR_BARRIER_BROKEN', 'the code in the worker')
    },
  },
]
