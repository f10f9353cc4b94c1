import { readdirSync, readFileSync } from 'node:fs'
import { Absent } from '../../arena.js'
import type { Contender } from '../../duel.js'

/**
 * The processes that the main thread of this one, or of another process, has started and that are still there.
 *
 * @throws Absent where the system does not tell
 */
export function children(of = process.pid): number[] {
  mustTell()
  return readFileSync(`/proc/${of}/task/${of}/children`, 'utf8').split(' ').filter(Boolean).map(Number)
}

/**
 * The processor time that these processes have used so far, in µs, all of their threads together.
 *
 * @throws Absent where the system does not tell
 */
export function timeOf(pids: readonly number[] = children()): number {
  mustTell()
  let nanoseconds = 0
  for (const pid of pids)
    for (const thread of ifThere(() => readdirSync(`/proc/${pid}/task`), []))
      nanoseconds += ifThere(() => timeIn(`/proc/${pid}/task/${thread}/schedstat`), 0)
  return nanoseconds / 1000
}

/** A contender with the time of the processes that it has, one call after its start. */
export async function withChildren<Kind extends Contender>(
  start: () => Kind | Promise<Kind>,
): Promise<Kind & Required<Pick<Contender, 'elsewhere'>>> {
  const others = children()
  const contender = await start()
  await contender.call(0)
  const own = children().filter((pid) => !others.includes(pid))
  return { ...contender, elsewhere: () => timeOf(own) }
}

/** Where the first look succeeds the others do as well, save at what has ended since. */
let told = false

function mustTell(): void {
  if (told) return
  try {
    told = Number(timeIn('/proc/self/schedstat')) > 0
  } catch {
    // No such file.
  }
  if (!told)
    throw new Absent('the processor time of other processes cannot be told here: there is no /proc/self/schedstat')
}

function ifThere<Value>(look: () => Value, otherwise: Value): Value {
  try {
    return look()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ESRCH') return otherwise
    throw error
  }
}

function timeIn(file: string): number {
  return Number(readFileSync(file, 'utf8').split(' ')[0])
}
