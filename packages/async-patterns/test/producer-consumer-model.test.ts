import { expect, test } from '@jest/globals'
import { producerConsumerModel } from './verify/producer-consumer.ts'

test('gives every item exactly one fate, in every order, however it is stopped', async () => {
  await expect(producerConsumerModel({ runs: 150 })).resolves.toBeUndefined()
})
