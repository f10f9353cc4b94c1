import { expect, test } from '@jest/globals'
import { rateLimiterModel } from './verify/rate-limiter.ts'

test('does in every order of calls what the naive limiter does, and keeps its bound', async () => {
  await expect(rateLimiterModel({ runs: 200 })).resolves.toBeUndefined()
})
