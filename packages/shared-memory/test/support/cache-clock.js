import { afterEach, beforeEach, jest } from '@jest/globals'

export function fakeClock() {
  const clock = { now: 0 }
  beforeEach(() => {
    clock.now = 1000
    jest.spyOn(performance, 'now').mockImplementation(() => clock.now)
  })
  afterEach(() => {
    jest.restoreAllMocks()
  })
  return clock
}
