import { Topic } from '@heddle/ipc-channels'
import { ThreadMemory } from '@heddle/sync-primitives'
import { Place } from '@heddle/sync-primitives/building-blocks'
import { expect, test } from '@jest/globals'
import { DISCONNECT, SKIP } from '../build/topic/layout.js'
import { CUT_OFF, receive, type Subscriber } from '../build/topic/reading.js'
import { SharedTopic } from '../build/topic/shared-topic.js'

/** The words of a topic, and the length of what is read from them. */
function open(topic: Topic<string>): SharedTopic {
  const { buffer, index } = topic.toHandle() as unknown as { buffer: SharedArrayBuffer; index: number }
  return new SharedTopic(new Place(ThreadMemory.of(buffer), index))
}

test.each([0, 1, 2, 3, 4])(
  'a reader that is overrun during %d copies one after another gets the oldest message that is left',
  (overruns) => {
    const topic = new Topic<string>({ capacity: 2 })
    const shared = open(topic)
    const subscriber = shared.subscribe(SKIP) as Subscriber
    topic.publishSync('1')
    topic.publishSync('2')
    const copies: number[] = []
    const found = receive(shared, subscriber, {
      readFrom: (_, byteLength) => {
        copies.push(byteLength)
        // Publishers never get so far while it has the lock.
        if (copies.length <= overruns) topic.publishSync('x'.repeat(copies.length))
      },
    })
    // What was copied last is what it says: before it, one message was lost for each copy in vain.
    expect([copies.length, subscriber.lost, subscriber.cursor]).toEqual([overruns + 1, overruns, overruns + 1])
    expect(found).toBe(overruns < 2 ? 2 : overruns)
  },
)

test('a subscription is cut off also when it is overrun during its copy', () => {
  const topic = new Topic<string>({ capacity: 1 })
  const shared = open(topic)
  const subscriber = shared.subscribe(DISCONNECT) as Subscriber
  topic.publishSync('1')
  const found = receive(shared, subscriber, { readFrom: () => topic.publishSync('2') })
  expect([found, subscriber.lost]).toEqual([CUT_OFF, 1])
})
