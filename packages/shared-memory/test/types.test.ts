import { SharedArray, type SharedArrayHandle, SharedValue } from '@heddle/shared-memory'
import { expect, test } from '@jest/globals'

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

test('the type of an array decides the types of its view and its elements', () => {
  const float64: Equal<SharedArray<'float64'>['view'], Float64Array> = true
  const clamped: Equal<SharedArray<'uint8Clamped'>['view'], Uint8ClampedArray> = true
  const bigint: Equal<ReturnType<SharedArray<'bigint64'>['get']>, bigint> = true
  const number: Equal<ReturnType<SharedArray<'uint32'>['get']>, number> = true
  expect([float64, clamped, bigint, number]).not.toContain(false)
})

test("Python's codes infer the types that they stand for", () => {
  const array: SharedArray<'int32'> = new SharedArray('i', 1)
  const view: Int32Array = array.view
  const values: Uint8Array = new SharedArray('c', [1, 2]).view
  const value: SharedValue<'float64'> = new SharedValue('d', 0.5)
  expect([view.length, values.length, value.value]).toEqual([1, 2, 0.5])
})

test('what fromHandle opens has the type of the handle, and any array is a SharedArray', () => {
  const handle: SharedArrayHandle<'bigint64'> = new SharedArray('bigint64', [3n]).toHandle()
  const view: BigInt64Array = SharedArray.fromHandle(handle).view
  const lengthOf = (array: SharedArray) => array.length
  expect(lengthOf(new SharedArray('bigint64', view))).toBe(1)
  expect(new SharedArray('d', 1)).toBeInstanceOf(SharedArray)
  expect(SharedArray.name).toBe('SharedArray')
  expect(SharedValue.name).toBe('SharedValue')
})
