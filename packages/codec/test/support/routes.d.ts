import type { Boundary } from '@heddle/codec'
import type { Facts } from './facts.js'

/** What came back, and what the other side saw of it. */
export interface Arrival {
  readonly value: unknown
  readonly seen: string
  readonly facts: Facts
}

/** A way there, or there and back. `views` says whether it keeps which views share a buffer. */
export interface Route {
  readonly name: string
  readonly boundary: Boundary
  readonly views: 'together' | 'apart'
  send(value: unknown): Promise<Arrival>
}

export declare const sameThread: readonly Route[]

export declare function catchOf(thrown: unknown, boundary?: Boundary): unknown

export declare class OtherSide implements Route {
  private constructor()
  static worker(): OtherSide
  static child(): OtherSide
  readonly name: string
  readonly boundary: Boundary
  readonly views: 'together' | 'apart'
  send(value: unknown, call?: 'increment'): Promise<Arrival>
  throwThere(value: unknown): Promise<unknown>
  close(): Promise<unknown>
}
