import type { Memory, SharedObjectHandle } from '@heddle/sync-primitives'

interface SharedObject {
  toHandle(): SharedObjectHandle
}

interface Guard extends Disposable {
  readonly held: boolean
  release(): void
}

interface Subject {
  readonly class: { readonly prototype: object }
  make(memory: Memory): SharedObject
  /** Takes what makes it held. */
  readonly acquire?: ((object: SharedObject) => Guard) | undefined
  /** By the name of the member, with what distinguishes two calls of one behind a space; `guard.` for those of the guard. */
  readonly calls: Readonly<Record<string, (object: SharedObject, guard: Guard | undefined) => unknown>>
  /** Calls that it lacks. */
  readonly without?: readonly string[]
}

interface Wait {
  make(memory: Memory): SharedObject
  /** Makes those wait who come. */
  block(object: SharedObject): Guard | undefined
  sync(object: SharedObject): unknown
  async(object: SharedObject): Promise<unknown>
}

export declare const subjects: Readonly<Record<string, Subject>>
export declare const waits: Readonly<Record<string, Wait>>
/** Opens a handle of any class. */
export declare function open(handle: SharedObjectHandle): SharedObject
