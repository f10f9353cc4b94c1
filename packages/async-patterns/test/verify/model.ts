import fc from 'fast-check'
import { drain, FakeClock } from './fake-clock.ts'

/** What a model and its naive twin are compared in: plain data. */
export function same(what: string, real: unknown, naive: unknown): void {
  if (isSame(real, naive)) return
  throw new Error(`${what}: ${fc.stringify(real)}, the twin has ${fc.stringify(naive)}`)
}

function isSame(first: unknown, second: unknown): boolean {
  if (typeof first !== 'object' || typeof second !== 'object' || first === null || second === null)
    return first === second
  const [keys, others] = [Object.keys(first), Object.keys(second)]
  const at = (value: object, key: string): unknown => value[key as keyof typeof value]
  return keys.length === others.length && keys.every((key) => isSame(at(first, key), at(second, key)))
}

/** A few words for what something has rejected with: itself if it is a string, else its code or its name. */
export function label(error: unknown): string {
  if (typeof error === 'string') return error
  const { code, name } = error as { code?: unknown; name: string }
  return typeof code === 'string' ? code : name
}

/** Runs `work` with the clock and the timers of the platform moved by hand, and puts the real ones back. */
export async function withFakeTime(work: (clock: FakeClock) => Promise<void>): Promise<void> {
  const clock = new FakeClock(12_345)
  const { setTimeout, clearTimeout } = globalThis
  const ownNow = Object.getOwnPropertyDescriptor(performance, 'now')
  const fakes = new WeakSet<object>()
  const set = (callback: () => void, ms: number): unknown => {
    const timer = clock.setTimeout(callback, ms) as object
    fakes.add(timer)
    return timer
  }
  const clear = (timer: unknown): void => {
    if (typeof timer === 'object' && timer !== null && fakes.has(timer)) clock.clearTimeout(timer)
    else clearTimeout(timer as ReturnType<typeof setTimeout>)
  }
  Object.assign(globalThis, { setTimeout: set, clearTimeout: clear })
  performance.now = () => clock.now()
  try {
    await work(clock)
  } finally {
    Object.assign(globalThis, { setTimeout, clearTimeout })
    if (ownNow === undefined) Reflect.deleteProperty(performance, 'now')
    else Object.defineProperty(performance, 'now', ownNow)
  }
}

/** What one actor does: step by step, the operations of one step without a break. */
export type Script<Operation> = readonly (readonly Operation[])[]

/** The steps of one actor: most are of one operation, some of more. */
export function script<Operation>(operation: fc.Arbitrary<Operation>, maxLength: number): fc.Arbitrary<Operation[][]> {
  const step = fc.oneof(
    { weight: 3, arbitrary: fc.array(operation, { minLength: 1, maxLength: 1 }) },
    { weight: 1, arbitrary: fc.array(operation, { minLength: 2, maxLength: 4 }) },
  )
  return fc.array(step, { maxLength, size: 'max' })
}

/** Lets the scheduler choose whose step is next, and waits until each has had all its effects. */
export async function playScripts<Operation>(
  scheduler: fc.Scheduler,
  scripts: readonly Script<Operation>[],
  play: (step: readonly Operation[]) => Promise<void>,
): Promise<void> {
  let running: Promise<void> = Promise.resolve()
  const act = async (steps: Script<Operation>): Promise<void> => {
    for (const step of steps) {
      await scheduler.schedule(Promise.resolve(), JSON.stringify(step))
      running = play(step)
      await running
    }
  }
  const all = Promise.all(scripts.map(act))
  // A failure is thrown below, after the step that met it.
  all.catch(() => undefined)
  await ticks()
  while (scheduler.count() > 0) {
    await scheduler.waitOne()
    await ticks()
    await running
    await ticks()
  }
  await all
}

/** Enough for an actor to go on; a turn of the event loop would be most of what a step costs. */
async function ticks(): Promise<void> {
  for (let i = 0; i < 10; i++) await Promise.resolve()
}

/** Enough for all effects: what lets the process go, or goes on after a turn of the event loop, has one more. */
export async function settle(): Promise<void> {
  await drain()
  await drain()
}
