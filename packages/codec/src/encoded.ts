/** What a value has to cross: `thread` keeps SharedArrayBuffers shared, `process` refuses them. */
export type Boundary = 'thread' | 'process'

/**
 * A value as plain cloneable data.
 *
 * `specials` lists what the structured clone would take apart. Each has a `hole`, an empty object that stands in its place in
 * `value`: a clone keeps identity within one message, so the other side finds the places by the holes, and no data of the
 * user's can be mistaken for one.
 *
 * Invariant: with `specials`, `value` shares no container with the user's value. Without, it may be the user's value itself.
 */
export interface Encoded {
  readonly value: unknown
  readonly specials?: readonly Special[]
}

export type Special =
  | { readonly hole: object; readonly handle: { readonly kind: string } }
  | { readonly hole: object; readonly error: ErrorRecord }

/** An error as data. `fields` holds its own properties, `cause` and `errors` among them. */
export interface ErrorRecord {
  readonly name: string
  readonly message: string
  readonly stack: string | undefined
  readonly fields: Record<string, unknown>
}
