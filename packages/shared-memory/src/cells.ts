import { describe, invalidArgument, outOfRange } from '@heddle/sync-primitives/building-blocks'
import type { ElementOf, ElementType } from './element-types.js'

/**
 * Elements of one type in shared memory, each read and written whole, in one atomic step.
 *
 * `Atomics` knows integers only, so that floats go through the integer word of their size, bit for bit.
 */
export interface Cells<Element extends number | bigint> {
  /**
   * Lets pass what {@link Cells.store} takes.
   *
   * @throws TypeError `ERR_INVALID_ARG`: not the JavaScript type of an element
   * @throws RangeError `ERR_OUT_OF_RANGE`: an integer type cannot hold it
   */
  check(name: string, value: unknown): Element
  /**
   * Like {@link Cells.check}, for a difference of elements: it may lie outside of the element's range.
   *
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: no number, or not whole where the type is
   */
  checkAmount(value: unknown): Element
  load(index: number): Element
  store(index: number, element: Element): void
  /** Stores `element` if `expected` is there, as `Object.is` compares. @returns whether it was */
  compareExchange(index: number, expected: Element, element: Element): boolean
  /** @throws RangeError `ERR_OUT_OF_RANGE`: an integer type cannot hold the sum */
  sum(element: Element, amount: Element): Element
}

type IntegerWords = Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array | Uint32Array

class IntegerCells implements Cells<number> {
  readonly #type: ElementType
  readonly #words: IntegerWords
  readonly #least: number
  readonly #most: number

  constructor(type: ElementType, words: IntegerWords, signed: boolean) {
    const values = 2 ** (8 * words.BYTES_PER_ELEMENT)
    this.#type = type
    this.#words = words
    this.#least = signed ? -values / 2 : 0
    this.#most = this.#least + values - 1
  }

  check(name: string, value: unknown): number {
    const number = checkNumber(name, value)
    if (!Number.isInteger(number) || number < this.#least || number > this.#most)
      throw outOfRange(
        `${name} must be a whole number from ${this.#least} to ${this.#most} for ${this.#type}, not ${number}`,
      )
    return number
  }

  checkAmount(value: unknown): number {
    const amount = checkNumber('amount', value)
    if (!Number.isInteger(amount)) throw outOfRange(`amount must be a whole number for ${this.#type}, not ${amount}`)
    return amount
  }

  load(index: number): number {
    return Atomics.load(this.#words, index)
  }

  store(index: number, element: number): void {
    Atomics.store(this.#words, index, element)
  }

  compareExchange(index: number, expected: number, element: number): boolean {
    return Atomics.compareExchange(this.#words, index, expected, element) === expected
  }

  sum(element: number, amount: number): number {
    // Exact wherever it matters: a sum that loses digits is far out of range.
    const sum = element + amount
    if (sum < this.#least || sum > this.#most)
      throw outOfRange(`${element} + ${amount} leaves the range of ${this.#type}, ${this.#least} to ${this.#most}`)
    return sum
  }
}

class BigIntCells implements Cells<bigint> {
  readonly #type: ElementType
  readonly #words: BigInt64Array | BigUint64Array
  readonly #least: bigint
  readonly #most: bigint

  constructor(type: ElementType, words: BigInt64Array | BigUint64Array, signed: boolean) {
    this.#type = type
    this.#words = words
    this.#least = signed ? -(2n ** 63n) : 0n
    this.#most = this.#least + 2n ** 64n - 1n
  }

  check(name: string, value: unknown): bigint {
    const bigint = checkBigInt(name, value)
    if (bigint < this.#least || bigint > this.#most)
      throw outOfRange(`${name} must be from ${this.#least} to ${this.#most} for ${this.#type}`)
    return bigint
  }

  checkAmount(value: unknown): bigint {
    return checkBigInt('amount', value)
  }

  load(index: number): bigint {
    return Atomics.load(this.#words, index)
  }

  store(index: number, element: bigint): void {
    Atomics.store(this.#words, index, element)
  }

  compareExchange(index: number, expected: bigint, element: bigint): boolean {
    return Atomics.compareExchange(this.#words, index, expected, element) === expected
  }

  sum(element: bigint, amount: bigint): bigint {
    const sum = element + amount
    if (sum < this.#least || sum > this.#most)
      throw outOfRange(`the sum leaves the range of ${this.#type}, ${this.#least} to ${this.#most}`)
    return sum
  }
}

const float32 = new Float32Array(1)
const float32Bits = new Int32Array(float32.buffer)

/** Rounds to a float32. Each value has one bit pattern, NaN too, so that equal bits mean the same value. */
function bitsOfFloat32(value: number): number {
  if (Number.isNaN(value)) return 0x7fc00000
  float32[0] = value
  return float32Bits[0] as number
}

class Float32Cells implements Cells<number> {
  readonly #words: Int32Array

  constructor(words: Int32Array) {
    this.#words = words
  }

  check(name: string, value: unknown): number {
    return checkNumber(name, value)
  }

  checkAmount(value: unknown): number {
    return checkNumber('amount', value)
  }

  load(index: number): number {
    float32Bits[0] = Atomics.load(this.#words, index)
    return float32[0] as number
  }

  store(index: number, element: number): void {
    Atomics.store(this.#words, index, bitsOfFloat32(element))
  }

  compareExchange(index: number, expected: number, element: number): boolean {
    const bits = bitsOfFloat32(expected)
    return Atomics.compareExchange(this.#words, index, bits, bitsOfFloat32(element)) === bits
  }

  sum(element: number, amount: number): number {
    return Math.fround(element + amount)
  }
}

const float64 = new Float64Array(1)
const float64Bits = new BigInt64Array(float64.buffer)

/** As {@link bitsOfFloat32}, without rounding. */
function bitsOfFloat64(value: number): bigint {
  if (Number.isNaN(value)) return 0x7ff8000000000000n
  float64[0] = value
  return float64Bits[0] as bigint
}

class Float64Cells implements Cells<number> {
  readonly #words: BigInt64Array

  constructor(words: BigInt64Array) {
    this.#words = words
  }

  check(name: string, value: unknown): number {
    return checkNumber(name, value)
  }

  checkAmount(value: unknown): number {
    return checkNumber('amount', value)
  }

  load(index: number): number {
    float64Bits[0] = Atomics.load(this.#words, index)
    return float64[0] as number
  }

  store(index: number, element: number): void {
    Atomics.store(this.#words, index, bitsOfFloat64(element))
  }

  compareExchange(index: number, expected: number, element: number): boolean {
    const bits = bitsOfFloat64(expected)
    return Atomics.compareExchange(this.#words, index, bits, bitsOfFloat64(element)) === bits
  }

  sum(element: number, amount: number): number {
    return element + amount
  }
}

function checkNumber(name: string, value: unknown): number {
  if (typeof value !== 'number') throw invalidArgument(`${name} must be a number, not ${describe(value)}`)
  return value
}

function checkBigInt(name: string, value: unknown): bigint {
  if (typeof value !== 'bigint') throw invalidArgument(`${name} must be a bigint, not ${describe(value)}`)
  return value
}

const checkers = new Map<ElementType, Pick<Cells<never>, 'check'>>()

/** For values that have no place yet. */
export function checkerOf<Type extends ElementType>(type: Type): Pick<Cells<ElementOf<Type>>, 'check'> {
  let checker = checkers.get(type)
  if (!checker) {
    checker = cellsOf(type, new SharedArrayBuffer(8), 0, 1) as unknown as Pick<Cells<never>, 'check'>
    checkers.set(type, checker)
  }
  return checker
}

/** The cells of `length` elements of `type` at `byteOffset`, which must be a multiple of 8. */
export function cellsOf<Type extends ElementType>(
  type: Type,
  buffer: SharedArrayBuffer,
  byteOffset: number,
  length: number,
): Cells<ElementOf<Type>> {
  const create = (): Cells<number> | Cells<bigint> => {
    switch (type as ElementType) {
      case 'int8':
        return new IntegerCells(type, new Int8Array(buffer, byteOffset, length), true)
      case 'uint8':
      case 'uint8Clamped':
        return new IntegerCells(type, new Uint8Array(buffer, byteOffset, length), false)
      case 'int16':
        return new IntegerCells(type, new Int16Array(buffer, byteOffset, length), true)
      case 'uint16':
        return new IntegerCells(type, new Uint16Array(buffer, byteOffset, length), false)
      case 'int32':
        return new IntegerCells(type, new Int32Array(buffer, byteOffset, length), true)
      case 'uint32':
        return new IntegerCells(type, new Uint32Array(buffer, byteOffset, length), false)
      case 'float32':
        return new Float32Cells(new Int32Array(buffer, byteOffset, length))
      case 'float64':
        return new Float64Cells(new BigInt64Array(buffer, byteOffset, length))
      case 'bigint64':
        return new BigIntCells(type, new BigInt64Array(buffer, byteOffset, length), true)
      case 'biguint64':
        return new BigIntCells(type, new BigUint64Array(buffer, byteOffset, length), false)
    }
  }
  return create() as unknown as Cells<ElementOf<Type>>
}
