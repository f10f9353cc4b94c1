/** How an object of one kind is opened from its handle. */
export interface Kind {
  readonly version: number
  readonly fromHandle: (handle: never) => unknown
}

/**
 * Every package of the family enters its kinds here at import, and `@heddle/codec` looks them up here: neither imports the
 * other, and a kind whose package was not imported is an error that can name the package.
 */
const kinds: Map<string, Kind> = (() => {
  const key = Symbol.for('heddle.kinds')
  const globals = globalThis as unknown as Record<symbol, Map<string, Kind> | undefined>
  globals[key] ??= new Map()
  return globals[key]
})()

/** Enters a kind under its name, `<package>/<class>`. The last one wins: two copies of one package read the same layout. */
export function registerKind(name: string, kind: Kind): void {
  kinds.set(name, kind)
}
