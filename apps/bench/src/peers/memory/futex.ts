import { Absent } from '../../arena.js'
import { loadPeer } from '../sync/load.js'

/** The system call by `process.arch`. */
const numbers: Record<string, number | undefined> = { x64: 202, arm64: 98, riscv64: 98 }
const WAIT = 0
const WAKE = 1

/** The bare system call on words of this process. */
export interface Futex {
  readonly version: string
  /** Sleeps while the word is `expected`; may return early. */
  readonly wait: (index: number, expected: number) => void
  /** Wakes one thread that sleeps on the word. */
  readonly wake: (index: number) => void
}

/** Through koffi, with no more arguments than the kernel looks at, for koffi takes its time for each. */
export async function futexOn({ buffer }: Int32Array): Promise<Futex> {
  const number = numbers[process.arch]
  if (number === undefined) throw new Absent(`the number of the futex call cannot be told here, for ${process.arch}`)
  const { module: koffi, version } = await loadPeer('koffi', () => import('koffi'))
  const c = koffi.load(null)
  const wait = c.func('syscall', 'long', ['long', 'uintptr_t', 'long', 'ulong', 'uintptr_t'])
  const wake = c.func('syscall', 'long', ['long', 'uintptr_t', 'long', 'ulong'])
  const start = Number(koffi.address(new Uint8Array(buffer)))
  return {
    version,
    wait: (index, expected) => void wait(number, start + 4 * index, WAIT, expected, 0),
    wake: (index) => void wake(number, start + 4 * index, WAKE, 1),
  }
}

/** Has the system kill this process when the one that started it ends, also while it sleeps in a call. */
export async function endWithParent(): Promise<void> {
  const PR_SET_PDEATHSIG = 1
  const SIGKILL = 9
  const { module: koffi } = await loadPeer('koffi', () => import('koffi'))
  koffi.load(null).func('prctl', 'int', ['int', 'ulong'])(PR_SET_PDEATHSIG, SIGKILL)
}
