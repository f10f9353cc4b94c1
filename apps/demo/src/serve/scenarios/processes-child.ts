import { ThreadSafeQueue } from '@heddle/ipc-channels'
import { Segment, SharedArray } from '@heddle/shared-memory'
import { Mutex } from '@heddle/sync-primitives'
import { between } from '../lanes/chance.js'
import { LaneWriter, rest } from '../lanes/lane-words.js'
import { type ProcessesWork, processSubjects, wealth } from './processes-work.js'

/** A process of `processes`. It ends with its parent, which alone says when it ends: a Ctrl-C reaches both. */
process.once('disconnect', () => {
  segment.close()
  // If the parent was killed, the last one to do this finds that nobody is left who uses the segment, and removes it.
  Segment.list()
  process.exit()
})
for (const name of ['SIGINT', 'SIGHUP'] as const) process.on(name, () => {})

const work = JSON.parse(process.argv[2] ?? '') as ProcessesWork
const segment = Segment.fromHandle(work.segment)
const words = SharedArray.fromHandle(work.words).view
const lane = new LaneWriter(words, work.place, processSubjects)
const accounts = SharedArray.fromHandle(work.accounts)
const parcels = ThreadSafeQueue.fromHandle<{ from: number }>(work.parcels)
// Called when the process that had it before was killed, before anybody sees what that one left.
const mutex = Mutex.fromHandle(work.mutex, {
  onOwnerDied() {
    accounts.set(0, accounts.get(0) + wealth - sum())
    lane.tell('holding', 'the accounts', true)
  },
})

for (;;) {
  lane.tell('running', 'its own affairs')
  await rest(words, between(100, 400))
  await transfer()
  if (work.place === 0) await send()
  else if (Math.random() < 0.5) await collect()
}

async function send(): Promise<void> {
  if (parcels.tryPut({ from: process.pid })) return
  lane.tell('waiting', 'room for a parcel')
  await parcels.put({ from: process.pid })
}

async function collect(): Promise<void> {
  if (parcels.tryGet()) return
  lane.tell('waiting', 'a parcel')
  await parcels.get()
}

/** Takes money out of one account, and puts it into another one, with a rest in between. */
async function transfer(): Promise<void> {
  lane.tell('waiting', 'the accounts')
  using _guard = await mutex.acquire()
  lane.tell('holding', 'the accounts')
  if (sum() !== wealth) throw new Error(`there are ${sum()} in the accounts and not ${wealth}`)
  const from = Math.floor(between(0, accounts.length))
  const to = (from + 1) % accounts.length
  accounts.set(from, accounts.get(from) - 1)
  await rest(words, between(100, 250))
  accounts.set(to, accounts.get(to) + 1)
  lane.tell('idle')
}

function sum(): number {
  return [...accounts].reduce((total, each) => total + each, 0)
}
