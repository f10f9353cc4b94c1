import type { DuelRunner } from '../../arena.js'
import * as maps from '../../peers/async/map.js'
import { taskBacklog } from '../../peers/async/python.js'
import * as submits from '../../peers/async/submit.js'
import { beside, type Loop, pair, type Rival } from './duel.js'

const tasks = 100_000

/** 100,000 trivial tasks: handed in at once, or mapped. */
export const taskDuels: Readonly<Record<string, DuelRunner>> = {
  'tasks-backlog/p-limit': submitted(submits.pLimit),
  'tasks-backlog/p-queue': submitted(submits.pQueue),
  'tasks-backlog/fastq': submitted(submits.fastq),
  'tasks-backlog/async-sema': submitted(() => submits.asyncSema(tasks)),
  'tasks-backlog/async': submitted(submits.asyncQueue),
  'tasks-backlog/cockatiel': submitted(submits.cockatiel, 20),
  'tasks-backlog/bottleneck': submitted(submits.bottleneck, 500),
  'tasks-backlog/bare': submitted(submits.bareList),
  'tasks-backlog/unlimited': submitted(submits.unlimited),
  'tasks-backlog/python': beside(() => atOnce(submits.heddle()), taskBacklog, tasks, 5),

  'tasks-map/async': mapped(maps.heddle, maps.asyncMapLimit),
  'tasks-map/for-await': mapped(maps.heddleForAwait, maps.asyncMapLimit),
  'tasks-map/p-map': mapped(maps.heddle, maps.pMap),
  'tasks-map/p-limit': mapped(maps.heddle, maps.pLimitMap, 1),
  'tasks-map/lanes': mapped(maps.heddle, maps.lanes),
}

function submitted(peer: () => Promise<submits.Submitter> | submits.Submitter, less = 1): DuelRunner {
  const sides = async (): Promise<[Loop, Rival]> => {
    const { version, submit } = await peer()
    return [atOnce(submits.heddle()), { version, loop: atOnce(submit) }]
  }
  return pair(sides, { calls: tasks, batches: 1 }, less)
}

function atOnce(submit: submits.Submit): Loop {
  return async (calls) => {
    const promises: Promise<number>[] = []
    for (let n = 0; n < calls; n++) promises.push(submit(n))
    check(await Promise.all(promises), calls)
  }
}

function mapped(ours: () => maps.MapItems, peer: () => Promise<maps.Mapper> | maps.Mapper, batches = 5): DuelRunner {
  const sides = async (): Promise<[Loop, Rival]> => {
    const { version, map } = await peer()
    return [overAll(ours()), { version, loop: overAll(map) }]
  }
  return pair(sides, { calls: tasks, batches })
}

function overAll(map: maps.MapItems): Loop {
  const items = Array.from({ length: tasks }, (_, index) => index)
  return async (calls) => {
    check(await map(calls === tasks ? items : items.slice(0, calls)), calls)
  }
}

function check(results: ArrayLike<number>, calls: number): void {
  for (let n = 0; n < calls; n++) if (results[n] !== n + 1) throw new Error(`a wrong result of task ${n}`)
}
