import { createRequire } from 'node:module'
import { unsupported } from '@heddle/sync-primitives/building-blocks'
import type { Kernel } from './kernel.js'
import { pageBytes } from './layout.js'

/** What we use of `koffi`, which has no part in our public types. */
interface Koffi {
  load(path: null): {
    func(name: string, result: string, parameters: readonly string[]): (...args: unknown[]) => unknown
  }
  address(view: Uint8Array): number | bigint
  errno(): number
}

/** Numbers of the system calls that the C library has no function for, by `process.arch`. */
const systemCalls: Record<string, { readonly futex: number; readonly renameat2: number } | undefined> = {
  x64: { futex: 202, renameat2: 316 },
  arm64: { futex: 98, renameat2: 276 },
  riscv64: { futex: 98, renameat2: 276 },
}

const PROT_READ_WRITE = 3
const MAP_SHARED = 0x01
const MAP_PRIVATE = 0x02
const MAP_FIXED = 0x10
const MAP_ANONYMOUS = 0x20
const MAP_NORESERVE = 0x4000
const FUTEX_WAIT = 0
const FUTEX_WAKE = 1
const F_OFD_GETLK = 36
const F_OFD_SETLK = 37
const F_WRLCK = 1
const F_UNLCK = 2
const AT_FDCWD = -100
const RENAME_NOREPLACE = 1
const EEXIST = 17
const EINTR = 4
/** How much is reserved at a time. */
const pieceBytes = 16 * 1024 * 1024
const ownerOnly = 0o600

/** @throws Error `ERR_UNSUPPORTED_PLATFORM`: koffi is not installed, or has no binary for this machine */
export function linuxKernel(): Kernel {
  const numbers = systemCalls[process.arch]
  if (!numbers) throw unsupported(`memory that processes share is not there on ${process.arch}`)
  const koffi = loadKoffi()
  const c = koffi.load(null)
  // All declared by plain integers: names of types collide when a thread loads this twice, as tests do.
  const mmap = c.func('mmap', 'intptr_t', ['uintptr_t', 'size_t', 'int', 'int', 'int', 'int64_t'])
  const posixFallocate = c.func('posix_fallocate', 'int', ['int', 'int64_t', 'int64_t'])
  const fcntl = c.func('fcntl', 'int', ['int', 'int', 'uintptr_t'])
  const mkfifo = c.func('mkfifo', 'int', ['str', 'uint32_t'])
  // Each with the arguments that the kernel looks at, since koffi takes its time for every one.
  const futexWait = c.func('syscall', 'long', ['long', 'uintptr_t', 'long', 'ulong', 'uintptr_t'])
  const futexWake = c.func('syscall', 'long', ['long', 'uintptr_t', 'long', 'ulong'])
  const renameat2 = c.func('syscall', 'long', ['long', 'long', 'str', 'long', 'str', 'ulong'])

  // struct timespec, two 64-bit numbers; struct flock, see ofdLock. Buffers of their own: small views move with the heap.
  const timespec = new Int32Array(new ArrayBuffer(4096))
  const timespecAddress = Number(koffi.address(new Uint8Array(timespec.buffer)))
  const flock = new DataView(new ArrayBuffer(4096))
  const flockAddress = Number(koffi.address(new Uint8Array(flock.buffer)))

  const failed = (what: string): Error => {
    const errno = koffi.errno()
    return Object.assign(new Error(`${what} failed with error ${errno}`), { errno })
  }

  /** struct flock of 64-bit Linux: short type, short whence, 4 bytes unused, int64 start, int64 length, int pid. */
  const ofdLock = (fd: number, command: number, start: number, length: number): number => {
    flock.setInt16(0, F_WRLCK, true)
    flock.setInt16(2, 0, true)
    flock.setBigInt64(8, BigInt(start), true)
    flock.setBigInt64(16, BigInt(length), true)
    flock.setInt32(24, 0, true)
    return fcntl(fd, command, flockAddress) as number
  }

  const map = (buffer: SharedArrayBuffer, bytes: number, flags: number, fd: number): void => {
    const address = Number(koffi.address(new Uint8Array(buffer)))
    const mapped = Number(mmap(address, bytes, PROT_READ_WRITE, flags | MAP_FIXED, fd, 0))
    if (mapped !== address) throw failed('mmap')
  }

  return {
    reserve(fd, bytes) {
      for (let from = 0; from < bytes; ) {
        const errno = posixFallocate(fd, from, Math.min(pieceBytes, bytes - from)) as number
        // By a signal: the piece is begun anew, and those before it are done.
        if (errno === EINTR) continue
        if (errno !== 0) return errno
        from += pieceBytes
      }
      return 0
    },
    mapOver: (buffer, fd) => map(buffer, buffer.byteLength, MAP_SHARED, fd),
    unmap(buffer) {
      const zeros = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
      // The first page before the others: by it, other threads see that it is closed before anything else reads as zero.
      map(buffer, pageBytes, zeros, -1)
      map(buffer, buffer.byteLength, zeros, -1)
    },
    addressOf: (buffer) => Number(koffi.address(new Uint8Array(buffer))),
    wait(address, expected, milliseconds) {
      const seconds = Math.floor(milliseconds / 1000)
      // The lower halves; the machines that we have numbers for are little-endian.
      timespec[0] = seconds
      timespec[2] = Math.max(1, (milliseconds - seconds * 1000) * 1e6)
      futexWait(numbers.futex, address, FUTEX_WAIT, expected >>> 0, timespecAddress)
    },
    wake(address, count) {
      futexWake(numbers.futex, address, FUTEX_WAKE, count)
    },
    lockBytes: (fd, start, length) => ofdLock(fd, F_OFD_SETLK, start, length) === 0,
    isLocked(fd, start) {
      if (ofdLock(fd, F_OFD_GETLK, start, 1) !== 0) throw failed('fcntl')
      return flock.getInt16(0, true) !== F_UNLCK
    },
    makeFifo(path) {
      if (mkfifo(path, ownerOnly) !== 0) throw failed('mkfifo')
    },
    renameNew(from, to) {
      if (Number(renameat2(numbers.renameat2, AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE)) === 0) return true
      if (koffi.errno() === EEXIST) return false
      throw failed('renameat2')
    },
  }
}

function loadKoffi(): Koffi {
  try {
    // Not by `import`: who uses threads alone has not installed it, and loading it takes tens of milliseconds.
    return createRequire(import.meta.url)('koffi') as Koffi
  } catch (cause) {
    throw unsupported('memory that processes share needs the package koffi: npm install koffi', { cause })
  }
}
