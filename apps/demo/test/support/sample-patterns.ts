import type { CommandContext } from '@heddle/demo/cli/command.js'
import { OptionValues } from '@heddle/demo/cli/options.js'
import { Screen } from '@heddle/demo/cli/screen.js'
import type { Check, Pattern } from '@heddle/demo/patterns/pattern.js'

export const rightCheck: Check = { what: 'the sum', actual: 2 + 2, expected: 4 }

/** A pattern of which a test gives what matters to it. */
export function samplePattern(name: string, run: Pattern['run']): Pattern {
  return { name, title: `The ${name}`, kind: 'class', packages: ['@heddle/none'], mends: `it mends ${name}`, run }
}

/** What a command is given, and what it has printed. */
export function sampleContext(signal: AbortSignal): {
  readonly context: CommandContext
  readonly printed: { readonly out: string; readonly notes: string }
} {
  const printed = { out: '', notes: '' }
  const write = (text: string) => {
    printed.notes += text
  }
  const context: CommandContext = {
    screen: new Screen({ write }),
    print: (text) => {
      printed.out += text
    },
    signal,
  }
  return { context, printed }
}

/** The options of a command line with `--json`, or with none. */
export function optionValues(json: boolean): OptionValues {
  const values = new OptionValues()
  if (json) values.set('json', '')
  return values
}
