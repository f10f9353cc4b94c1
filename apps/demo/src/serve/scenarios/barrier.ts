import { Barrier } from '@heddle/sync-primitives'
import { threadBody } from '../lanes/bodies.js'
import { Crew } from '../lanes/crew.js'
import { beginNextRound, setPace, threadLaneWords } from '../lanes/lane-words.js'
import { Roster } from '../lanes/roster.js'
import { type BarrierWork, barrierSubjects } from './barrier-work.js'
import { noViews, type Scenario } from './scenario.js'

const titles = ['party A', 'party B', 'party C', 'party D']

/** Threads that meet again and again. */
export const barrier: Scenario = {
  info: {
    name: 'barrier',
    title: 'A barrier',
    summary:
      'Four threads do their part of a round, each as long as it takes, and wait at a Barrier until all have come. ' +
      'Look at the waiting: it ends for all of them at one moment.',
    kill: 'Kill a party: the others cannot come together any more, and are told so at once. When another thread has taken its place, the barrier is reset.',
  },
  begin(recording, pace) {
    const words = threadLaneWords(titles.length)
    setPace(words, pace)
    const meeting = new Barrier(titles.length)
    const roster = new Roster(recording, words, titles.length, barrierSubjects)
    let resets = 0
    let isBroken = false
    const onEnd = (lane: number) => {
      // The death of one that waits breaks the barrier by itself. One that has not come yet is not known to be missed.
      if (roster.find(lane)?.on === 'the others' || meeting.getState().broken) return
      recording.note(
        `${roster.find(lane)?.title} has died on its way: the others would wait for it, so the barrier is aborted`,
      )
      meeting.abort()
    }
    const handle = meeting.toHandle()
    const crew = new Crew(
      recording,
      roster,
      titles,
      (place) =>
        threadBody(new URL('./barrier-thread.js', import.meta.url), {
          words,
          place,
          barrier: handle,
        } satisfies BarrierWork),
      { onEnd },
    )
    return {
      get lanes() {
        return roster.lanes
      },
      look() {
        roster.collect()
        if (meeting.getState().broken) {
          if (!isBroken) recording.note('the barrier is broken: the parties cannot come together any more')
          isBroken = true
        }
        if (isBroken && roster.size === titles.length && roster.areAll('waiting', 'a new barrier')) {
          isBroken = false
          meeting.reset()
          resets += 1
          recording.note('four parties are there again: the barrier is reset')
          beginNextRound(words)
        }
        const waiters = roster.inState('waiting', ['the others'])
        return {
          ...noViews,
          locks: [{ name: 'meeting', kind: 'Barrier', holders: [], waiters, recovered: resets }],
        }
      },
      kill: (lane) => crew.kill(lane),
      setPace: (next) => setPace(words, next),
      stop: () => crew.stop(),
    }
  },
}
