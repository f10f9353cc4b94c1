export interface Facts {
  readonly instanceOf: readonly string[]
  readonly text: string | undefined
  readonly polluted: boolean
}

export declare function factsOf(value: unknown): Facts
