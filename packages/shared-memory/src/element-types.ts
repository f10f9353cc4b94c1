import { describe, invalidArgument } from '@heddle/sync-primitives/building-blocks'

/** The element types, each with the typed array that views it. */
export interface ElementViews {
  readonly int8: Int8Array
  readonly uint8: Uint8Array
  readonly uint8Clamped: Uint8ClampedArray
  readonly int16: Int16Array
  readonly uint16: Uint16Array
  readonly int32: Int32Array
  readonly uint32: Uint32Array
  readonly float32: Float32Array
  readonly float64: Float64Array
  readonly bigint64: BigInt64Array
  readonly biguint64: BigUint64Array
}

/** The canonical name of an element type. */
export type ElementType = keyof ElementViews

/** The type codes of Python's `multiprocessing`, as other names of three element types. */
export interface ElementCodes {
  readonly i: 'int32'
  readonly d: 'float64'
  readonly c: 'uint8'
}

/** What a constructor takes: the canonical name of an element type, or Python's code for it. */
export type ElementTypeOrCode = ElementType | keyof ElementCodes

/** The canonical name that a name or code stands for. */
export type CanonicalType<Type extends ElementTypeOrCode> = Type extends keyof ElementCodes
  ? ElementCodes[Type]
  : Extract<Type, ElementType>

/** The JavaScript type of one element: bigint for the 64-bit integers, else number. */
export type ElementOf<Type extends ElementType> = Type extends 'bigint64' | 'biguint64' ? bigint : number

interface ElementRules {
  /** The type's number in shared memory: part of the layout, never reused for another type. */
  readonly id: number
  readonly View: new (buffer: SharedArrayBuffer, byteOffset: number, length: number) => ElementViews[ElementType]
  readonly bytes: number
}

export const elementRules: { readonly [Type in ElementType]: ElementRules } = {
  int8: { id: 1, View: Int8Array, bytes: 1 },
  uint8: { id: 2, View: Uint8Array, bytes: 1 },
  uint8Clamped: { id: 3, View: Uint8ClampedArray, bytes: 1 },
  int16: { id: 4, View: Int16Array, bytes: 2 },
  uint16: { id: 5, View: Uint16Array, bytes: 2 },
  int32: { id: 6, View: Int32Array, bytes: 4 },
  uint32: { id: 7, View: Uint32Array, bytes: 4 },
  float32: { id: 8, View: Float32Array, bytes: 4 },
  float64: { id: 9, View: Float64Array, bytes: 8 },
  bigint64: { id: 10, View: BigInt64Array, bytes: 8 },
  biguint64: { id: 11, View: BigUint64Array, bytes: 8 },
}

const codes: ElementCodes = { i: 'int32', d: 'float64', c: 'uint8' }

export function isElementType(value: unknown): value is ElementType {
  return typeof value === 'string' && Object.hasOwn(elementRules, value)
}

/** @throws TypeError `ERR_INVALID_ARG`: neither the name of an element type nor a code */
export function canonicalType<Type extends ElementType>(type: unknown): Type {
  const name = typeof type === 'string' && Object.hasOwn(codes, type) ? codes[type as keyof ElementCodes] : type
  if (!isElementType(name))
    throw invalidArgument(`type must be one of ${Object.keys(elementRules).join(', ')}, i, d, c, not ${describe(type)}`)
  return name as Type
}
