export interface Ended {
  /** 0, an exit code, or a signal. */
  readonly code: number | string | null
  readonly lines: string[]
  readonly stderr: string
}

/** Runs a program in a Node of its own, to its end. */
export declare function runProgram(url: URL, ...args: string[]): Promise<Ended>
