import { jest } from '@jest/globals'
import { drain } from './observe.js'

/** How many fake timers are set once all has settled: the process is let go a turn of the event loop later. */
export async function timersLeft(): Promise<number> {
  await drain()
  await drain()
  return jest.getTimerCount()
}
