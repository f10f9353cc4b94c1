import { compareExchange, explore, load, notify, replay, type Steps, store, wait } from '@heddle/interleave'

const LOCK = 0 // 0: free, 1: held
const COUNT = 1

function* acquire(): Steps<void> {
  while ((yield compareExchange(LOCK, 0, 1)) !== 0) yield wait(LOCK, 1)
}

function* release(): Steps<void> {
  yield store(LOCK, 0)
  yield notify(LOCK, 1)
}

/** Looks before it takes, in two steps: somebody may come between them. */
function* acquireCarelessly(): Steps<void> {
  while ((yield load(LOCK)) !== 0) yield wait(LOCK, 1)
  yield store(LOCK, 1)
}

const user = (take: () => Steps<void>) =>
  function* (): Steps<void> {
    yield* take()
    yield store(COUNT, (yield load(COUNT)) + 1)
    yield* release()
  }

const modelOf = (take: () => Steps<void>) => ({
  memory: { lock: 0, count: 0 },
  threads: { a: user(take), b: user(take), c: user(take) },
  final: ({ memory }: { memory: Int32Array }) => memory[COUNT] === 3 || `three additions made ${memory[COUNT]}`,
})

// Every order of all steps of three threads.
console.log('compareExchange:', explore(modelOf(acquire)).verdict)

const careless = modelOf(acquireCarelessly)
const { verdict, failure } = explore(careless)
console.log('load, then store:', verdict)
if (failure) {
  console.log(`${failure.kind}: ${failure.message}`)
  for (const line of replay(careless, failure.schedule).trace) console.log(`  ${line}`)
}
