import type { OptionSpec, OptionValues } from './options.js'
import type { Screen } from './screen.js'

/** Something that the demo can do, chosen by the first word of the arguments. */
export interface Command {
  readonly name: string
  /** One line for the help. */
  readonly summary: string
  readonly options: readonly OptionSpec[]
  /**
   * Does it.
   *
   * @param words - the arguments behind the command's name that are no options
   * @returns the exit code
   * @throws UsageError: what was asked for cannot be done
   */
  run(words: readonly string[], values: OptionValues, context: CommandContext): Promise<number>
}

/** What a command talks to. */
export interface CommandContext {
  /** For notes and progress. */
  readonly screen: Screen
  /** Prints a result. */
  print(text: string): void
  /** Aborts when the user wants the command to end. */
  readonly signal: AbortSignal
}
