import { printable } from '../printable.js'
import { UsageError } from './exit-codes.js'

export interface OptionSpec {
  /** Without the dashes. */
  readonly name: string
  /** What stands for the value in the help; without it the option is a switch. */
  readonly value?: string
  readonly help: string
}

/** The options of a call, by name. */
export class OptionValues {
  readonly #values = new Map<string, string>()

  /** @throws UsageError: the option was given before */
  set(name: string, value: string): void {
    if (this.#values.has(name)) throw new UsageError(`--${name} is given twice: once is enough`)
    this.#values.set(name, value)
  }

  has(name: string): boolean {
    return this.#values.has(name)
  }

  text(name: string): string | undefined {
    return this.#values.get(name)
  }

  /** @throws UsageError: not a whole number from `least` to `most` */
  wholeNumber(name: string, least: number, most: number, standard: number): number {
    const text = this.#values.get(name)
    if (text === undefined) return standard
    const number = /^[0-9]{1,9}$/.test(text) ? Number(text) : Number.NaN
    if (number >= least && number <= most) return number
    throw new UsageError(`--${name} takes a whole number from ${least} to ${most}, not "${printable(text)}"`)
  }
}

/**
 * Splits arguments into options and other words.
 *
 * @throws UsageError: an unknown option, one without its value, a switch with a value, or one given twice
 */
export function parseOptions(args: readonly string[], specs: readonly OptionSpec[]): [string[], OptionValues] {
  const words: string[] = []
  const values = new OptionValues()
  for (let index = 0; index < args.length; index++) {
    const argument = args[index] as string
    if (argument === '--') {
      words.push(...args.slice(index + 1))
      break
    }
    if (!argument.startsWith('-') || argument === '-') {
      words.push(argument)
      continue
    }
    const equals = argument.indexOf('=')
    const name = argument.slice(2, equals < 0 ? undefined : equals)
    const spec = argument.startsWith('--') ? specs.find((each) => each.name === name) : undefined
    if (spec === undefined) throw new UsageError(`there is no option ${printable(argument)}: --help lists them`)
    if (spec.value === undefined) {
      if (equals >= 0) throw new UsageError(`--${name} takes no value`)
      values.set(name, '')
    } else {
      const value = equals < 0 ? args[++index] : argument.slice(equals + 1)
      if (value === undefined || value === '' || (equals < 0 && value.startsWith('--')))
        throw new UsageError(`--${name} needs a value: --${name} ${spec.value}`)
      values.set(name, value)
    }
  }
  return [words, values]
}
