/**
 * Whether a bare name finds a global variable. What every object inherits (`toString`, `constructor` …) does not count: as a
 * bare name it is almost certainly a captured variable.
 */
export function isGlobal(name: string, globals: object): boolean {
  return name in globals && !(name in Object.prototype)
}

/** `a`, `a and b`, `a, b and c`. */
export function listed(names: readonly string[]): string {
  return names.length < 2 ? names.join() : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
}
