import type { Command } from './command.js'
import type { OptionSpec } from './options.js'

export const commonOptions: readonly OptionSpec[] = [{ name: 'help', help: 'print this' }]

/** The text that `--help` prints. */
export function helpText(commands: readonly Command[]): string {
  const sections = commands.flatMap((command) => [
    `${command.name}: ${command.summary}`,
    ...[...command.options, ...commonOptions].map(
      ({ name, value, help }) => `  ${`--${name}${value === undefined ? '' : ` ${value}`}`.padEnd(18)}${help}`,
    ),
    '',
  ])
  return `npm run demo -- [${commands.map(({ name }) => name).join(' | ')}] [options]

${sections.join('\n')}
Results go to the standard output, notes and progress to the standard error.

Exit codes:
  0         done, also when some files were skipped, which are listed
  1         a pattern or two runs did not come to what they must, or something inside failed
  2         bad usage or input; one line says what to do
  128 + n   ended by signal n: 129 by SIGHUP (its terminal was closed), 130 by SIGINT (Ctrl-C), 143 by SIGTERM
`
}
