import type { ElementType } from '@heddle/shared-memory'

interface Samples {
  /** Values that the type holds exactly, its extremes among them. */
  readonly held: readonly (number | bigint)[]
  /** Of integer types, the values just below and just above the range. */
  readonly beyond: readonly (number | bigint)[]
}

export declare const samples: Readonly<Record<ElementType, Samples>>

export declare const elementTypes: readonly ElementType[]

export declare function isBig(type: ElementType): boolean

export declare function isFloat(type: ElementType): boolean

/** Values of the wrong JavaScript type for elements of `type`. */
export declare function foreignTo(type: ElementType): unknown[]

/** NaN with another bit pattern than the usual one. */
export declare const oddNaN: number
