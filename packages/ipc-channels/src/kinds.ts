/** How an object of one kind is opened from its handle. */
export interface Kind {
  readonly version: number
  readonly fromHandle: (handle: never) => unknown
}

/** The family's one map of kinds: packages enter theirs at import, and whoever decodes a value looks them up here. */
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
