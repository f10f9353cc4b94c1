import { badHandle } from './errors.js'

interface Kind {
  readonly fromHandle: (handle: { readonly kind: string }) => object
}

/**
 * Where every package of the family enters the kinds of its shared objects at import. Looked up at each use: a package may be
 * imported later than this one. No module is ever imported because a message names it.
 */
function registered(): ReadonlyMap<string, Kind> | undefined {
  return (globalThis as unknown as Record<symbol, ReadonlyMap<string, Kind> | undefined>)[Symbol.for('heddle.kinds')]
}

/** @throws TypeError `ERR_BAD_HANDLE`: an unknown kind, or the kind refuses the handle */
export function openHandle(handle: { readonly kind: string }): object {
  const kind = registered()?.get(handle.kind)
  if (kind) return kind.fromHandle(handle)
  const [folder] = String(handle.kind).split('/')
  throw badHandle(
    `a shared object of kind ${handle.kind} arrived, but nothing here knows it: import @heddle/${folder} first`,
  )
}
