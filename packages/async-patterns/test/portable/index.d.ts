export interface PortableCase {
  /** A claim; unique in its package. */
  readonly name: string
  readonly run: () => Promise<void>
}

export const cases: readonly PortableCase[]
