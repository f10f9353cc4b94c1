import { expect, test } from '@jest/globals'
import { singleFlightModel } from './verify/single-flight.ts'

test('does in every order of calls, endings, aborts and times what the naive twin does', async () => {
  await expect(singleFlightModel({ runs: 150 })).resolves.toBeUndefined()
})
