import { loadPeer } from '../sync/load.js'
import { newLimiter } from './heddle.js'

type Loop = (calls: number) => unknown

interface Peer {
  readonly version: string
  readonly loop: Loop
}

/** So many permits a second that there is always one. */
const plenty = 1e9

export function heddleTried(): Loop {
  const limiter = newLimiter(plenty, 1000, false)
  return (calls) => {
    for (let n = 0; n < calls; n++) if (!limiter.tryAcquire()) throw new Error('no permit')
  }
}

export async function limiterTried(): Promise<Peer> {
  const {
    module: { RateLimiter },
    version,
  } = await loadPeer('limiter', () => import('limiter'))
  const limiter = new RateLimiter({ tokensPerInterval: plenty, interval: 1000 })
  return {
    version,
    loop: (calls) => {
      for (let n = 0; n < calls; n++) if (!limiter.tryRemoveTokens(1)) throw new Error('no token')
    },
  }
}

export async function flexible(): Promise<Peer> {
  const {
    module: { RateLimiterMemory },
    version,
  } = await loadPeer('rate-limiter-flexible', () => import('rate-limiter-flexible'))
  const limiter = new RateLimiterMemory({ points: plenty, duration: 1 })
  return {
    version,
    loop: async (calls) => {
      for (let n = 0; n < calls; n++) await limiter.consume('key')
    },
  }
}

export async function pThrottle(): Promise<Peer> {
  const { module, version } = await loadPeer('p-throttle', () => import('p-throttle'))
  const throttled = module.default({ limit: plenty, interval: 1000 })(async () => true)
  return {
    version,
    loop: async (calls) => {
      for (let n = 0; n < calls; n++) await throttled()
    },
  }
}

export async function bottleneck(): Promise<Peer> {
  const { module, version } = await loadPeer('bottleneck', () => import('bottleneck'))
  const limiter = new module.default({ reservoir: plenty })
  const task = async () => true
  return {
    version,
    loop: async (calls) => {
      for (let n = 0; n < calls; n++) await limiter.schedule(task)
    },
  }
}

/** A limiter under load: the promise is fulfilled when the permit is there. */
export type Acquire = () => Promise<unknown>

/** Makes a new limiter of so many permits in `windowMs`. */
export interface Windowed {
  readonly version: string
  readonly limiter: (allowance: number) => Acquire
}

export const windowMs = 100

export const heddleStrict: Windowed = {
  version: process.version,
  limiter: (allowance) => {
    const limiter = newLimiter(allowance, windowMs, true)
    return () => limiter.acquire()
  },
}

export async function limiterWindowed(): Promise<Windowed> {
  const {
    module: { RateLimiter },
    version,
  } = await loadPeer('limiter', () => import('limiter'))
  return {
    version,
    limiter: (allowance) => {
      const limiter = new RateLimiter({ tokensPerInterval: allowance, interval: windowMs })
      return () => limiter.removeTokens(1)
    },
  }
}

export async function pThrottleStrict(): Promise<Windowed> {
  const { module, version } = await loadPeer('p-throttle', () => import('p-throttle'))
  return {
    version,
    limiter: (allowance) => {
      const throttled = module.default({ limit: allowance, interval: windowMs, strict: true })(async () => true)
      return () => throttled()
    },
  }
}

export async function pQueueStrict(): Promise<Windowed> {
  const { module, version } = await loadPeer('p-queue', () => import('p-queue'))
  return {
    version,
    limiter: (allowance) => {
      const queue = new module.default({ intervalCap: allowance, interval: windowMs, strict: true })
      return () => queue.add(() => true)
    },
  }
}

/**
 * How many of so many callers at once had their permits within one window, wherever it begins, and how many had one in a
 * second. Each caller looks at the clock when its own `await` is over.
 */
export async function mostInWindow(acquire: Acquire, callers: number, allowance: number) {
  const stamps = new Float64Array(callers)
  let granted = 0
  const call = async () => {
    await acquire()
    stamps[granted++] = performance.now()
  }
  await Promise.all(Array.from({ length: callers }, call))
  let most = 0
  for (let first = 0, last = 0; last < callers; last++) {
    while ((stamps[last] as number) - (stamps[first] as number) >= windowMs) first += 1
    most = Math.max(most, last - first + 1)
  }
  // The first window is full at once: what the limiter lets through afterwards is its rate.
  const elapsed = (stamps[callers - 1] as number) - (stamps[0] as number)
  return { most, perSecond: ((callers - allowance) * 1000) / elapsed }
}
