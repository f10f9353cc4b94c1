import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { capture } from '../capture.mjs'
import { root } from '../root.mjs'
import { runAttempts } from './attempts.mjs'
import { ensureProgram, home } from './install.mjs'

/** A thread that hangs costs this much of the time for all, and no more. */
const longestMs = 30_000

const program = fileURLToPath(import.meta.resolve('./host/program.mjs'))

/*
 * Deno asks for leave to read because the runner imports the cases by a name that it computes, and starts workers from
 * files; the packages need no permission themselves. Both stay away from the network and from the user's own settings.
 */
const commands = {
  deno: ['run', '--no-prompt', '--no-lock', '--no-remote', '--cached-only', `--allow-read=${root}`],
  bun: ['run', '--no-install'],
}

/** Deno or Bun: its version, and a function that runs the cases of one package. */
export async function openProgram(name, signal) {
  const { bin, version } = await ensureProgram(name)
  const own = { DENO_DIR: join(home, 'deno-cache'), DENO_NO_UPDATE_CHECK: '1', DO_NOT_TRACK: '1', NO_COLOR: '1' }
  const env = { ...process.env, ...own }
  delete env.FORCE_COLOR
  const runPackage = ({ index, main }) =>
    runAttempts(async (from, timeout, onEvent) => {
      const [indexUrl, packageUrl] = [index, main].map((path) => pathToFileURL(join(root, path)).href)
      const job = JSON.stringify({ indexUrl, packageUrl, from })
      const options = { cwd: root, env, timeout: Math.min(timeout, longestMs), signal }
      const { ending, stdout, stderr } = await capture(bin, [...commands[name], program, job], options)
      const other = []
      for (const line of stdout.split('\n'))
        if (line.startsWith('event ')) onEvent(JSON.parse(line.slice('event '.length)))
        else other.push(line)
      const printed = `${other.join('\n')}${stderr}`.trim()
      return `${name} ended in the middle of it with ${ending}${printed === '' ? '' : `\n${printed}`}`
    }, signal)
  return { version, runPackage, close: async () => {} }
}
