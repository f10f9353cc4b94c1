import { explore, load, replay, type Steps, store } from '@heddle/interleave'

const COUNT = 0 // the index of a word in shared memory

// What two threads run: each `yield` is one step on shared memory, and others may come in between.
function* increment(): Steps<void> {
  const seen = yield load(COUNT)
  yield store(COUNT, seen + 1)
}

const model = {
  memory: { count: 0 },
  threads: { a: increment, b: increment },
  final: ({ memory }: { memory: Int32Array }) => memory[COUNT] === 2 || `two increments made ${memory[COUNT]}`,
}

const { verdict, states, failure } = explore(model)
console.log(`${verdict} after ${states} states`)

if (failure) {
  console.log(`${failure.kind}: ${failure.message}`)
  console.log(`schedule ${failure.schedule}`)
  // The schedule is a plain string: it fails in the same way in another process, tomorrow.
  for (const line of replay(model, failure.schedule).trace) console.log(`  ${line}`)
}
