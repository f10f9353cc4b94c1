/** One item of the document, on this family's packages. */
export interface Pattern {
  /** What `demo run` is given: the document's name in kebab-case. */
  readonly name: string
  /** The document's own name. */
  readonly title: string
  /** What else the document calls it, or the functions in it: `demo run` finds it by these as well. */
  readonly aliases?: readonly string[]
  readonly kind: 'class' | 'example' | 'quick start' | 'set-up'
  /** The packages that a user installs for it. */
  readonly packages: readonly string[]
  /** One line: which fault of the document's version is mended here, and how. */
  readonly mends: string
  /** What the system must have; where it has not, `ERR_UNSUPPORTED_PLATFORM` is no fault, and the pattern is skipped. */
  readonly needs?: 'process memory'
  /**
   * Runs it, with real threads or processes, prints what the document's version prints, and leaves nothing running.
   *
   * @returns what it came to, each beside what a plain computation in sequence gives; at least one
   * @throws whatever went wrong; the reason of `signal` when it aborts
   */
  run(stage: Stage): Promise<readonly Check[]>
}

/** Where a pattern runs. */
export interface Stage {
  /** Prints one line. */
  readonly print: (line: string) => void
  /** Aborts when the user wants it to end, or it has taken too long. */
  readonly signal: AbortSignal
}

/** Something that a pattern came to, and what it has to be. Whether they are equal is not for the pattern to say. */
export interface Check {
  readonly what: string
  readonly actual: unknown
  /** From a plain computation in sequence, without the packages. */
  readonly expected: unknown
}
