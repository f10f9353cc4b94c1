import { ThreadSafeQueue } from '@heddle/ipc-channels'
import { threadBody } from '../lanes/bodies.js'
import { Crew } from '../lanes/crew.js'
import { setPace, threadLaneWords } from '../lanes/lane-words.js'
import { Roster } from '../lanes/roster.js'
import { type QueueWork, queueSubjects } from './queue-work.js'
import { noViews, type Scenario } from './scenario.js'

const capacity = 8
const titles = ['producer A', 'producer B', 'consumer A', 'consumer B', 'consumer C']

/** Producers and consumers at a queue with a bound. */
export const queue: Scenario = {
  info: {
    name: 'queue',
    title: 'A queue with a bound',
    summary:
      `Two producer threads and three consumer threads at one ThreadSafeQueue with room for ${capacity}. ` +
      'Look at the producers: when the queue is full, slow consumers hold them back; then the consumers hurry, and it runs empty.',
    kill: 'Kill any thread: who dies in a put has put nothing, who dies in a get loses that one item at most, and nobody else waits for it.',
  },
  begin(recording, pace) {
    const words = threadLaneWords(titles.length)
    setPace(words, pace)
    const items = new ThreadSafeQueue<number>({ capacity, capacityBytes: 4_096 })
    const roster = new Roster(recording, words, titles.length, queueSubjects)
    const handle = items.toHandle()
    const crew = new Crew(recording, roster, titles, (place) => {
      const role = titles[place]?.startsWith('producer') ? 'producer' : 'consumer'
      return threadBody(new URL('./queue-thread.js', import.meta.url), {
        words,
        place,
        role,
        queue: handle,
      } satisfies QueueWork)
    })
    return {
      get lanes() {
        return roster.lanes
      },
      look() {
        roster.collect()
        const { size, putCount, getCount } = items.getStats()
        return { ...noViews, queues: [{ name: 'items', size, capacity, put: putCount, got: getCount }] }
      },
      kill: (lane) => crew.kill(lane),
      setPace: (next) => setPace(words, next),
      stop: () => crew.stop(),
    }
  },
}
