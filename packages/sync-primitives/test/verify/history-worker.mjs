// Records what its calls gave, between two readings of a clock that all threads share. See histories.mjs.
import { parentPort, workerData } from 'node:worker_threads'
import { objects, openObject, racyObjects } from './history-objects.mjs'
import { resultOf, sessions } from './history-sessions.mjs'
import { randomFrom } from './random.mjs'

const { thread, threads, clock, gate } = workerData

/** All threads go at the same moment: first all must have come, and then all must be awake, as far as there are processors. */
function meet(round) {
  arrive(0, round, 0)
  arrive(1, round, 20_000)
}

function arrive(at, round, looks) {
  Atomics.add(gate, at, 1)
  Atomics.notify(gate, at)
  for (let left = looks; Atomics.load(gate, at) < threads * round; left--)
    if (left <= 0) Atomics.wait(gate, at, Atomics.load(gate, at), 1)
}

let round = 0

function record(object, handle, seed, length) {
  const random = randomFrom(seed * threads + thread)
  const next = sessions[object.session](openObject(object, handle), random)
  const history = []
  round += 1
  meet(round)
  for (let number = 0; number < length; number++) {
    const [name, argument, run] = next()
    const call = Atomics.add(clock, 0, 1)
    const result = resultOf(run)
    const end = Atomics.add(clock, 0, 1)
    history.push({ thread, id: number * threads + thread, name, argument, result, call, return: end })
  }
  return history
}

parentPort.on('message', ({ name, handles, seed, length }) => {
  const object = { ...objects, ...racyObjects }[name]
  parentPort.postMessage(handles.map((handle, number) => record(object, handle, seed + number, length)))
})
