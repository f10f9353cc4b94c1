import { fromBytes, toBytes } from '@heddle/codec'
import { expect, test } from '@jest/globals'

// In a file of its own: the codec goes another way from then on.
test('a key that Object.prototype lets nobody assign is read, also where it was put there late', () => {
  const value = { before: 1, part: { frozen: [3] }, frozen: 'x' }
  const bytes = toBytes(value)
  expect(fromBytes(bytes)).toEqual(value)
  Object.defineProperty(Object.prototype, 'frozen', { value: 5, writable: false, configurable: true })
  try {
    for (let turn = 0; turn < 2; turn += 1)
      expect(Object.entries(fromBytes(bytes) as object)).toEqual(Object.entries(value))
  } finally {
    Reflect.deleteProperty(Object.prototype, 'frozen')
  }
  expect(fromBytes(bytes)).toEqual(value)
})
