import { parseArgs } from 'node:util'

export const usage = `usage: heddle-node --tasks FILE [--url URL] [options]

Runs the tasks that FILE exports for the callers of a cluster pool, until SIGTERM or SIGINT: then it takes no more, and
ends when those that run are done. A second signal ends them, too.

  --tasks FILE         a module that exports what defineTask gives; can be said several times
  --url URL            redis://, rediss:// or postgres://; default: the environment variable HEDDLE_URL, which
                       other users of the machine cannot see
  --pool NAME          the pool whose tasks it takes (default)
  --prefix NAME        the prefix of the cluster (heddle)
  --concurrency N      how many tasks at a time (the number of processors)
  --executor KIND      threads, or processes (threads)
  --lock MS            a task whose node is silent for so long is given to another (10000)
  --stalled MS         how often it is looked for such tasks (5000)
  --help`

export interface NodeArguments {
  readonly url: string
  readonly tasks: readonly string[]
  readonly pool: string | undefined
  readonly prefix: string | undefined
  readonly concurrency: number | undefined
  readonly executor: 'threads' | 'processes'
  readonly lockDuration: number | undefined
  readonly stalledInterval: number | undefined
}

/** @throws Error: what is wrong with the command line; undefined: help was asked for */
export function nodeArgumentsOf(args: readonly string[], env: NodeJS.ProcessEnv): NodeArguments | undefined {
  const { values } = parseArgs({
    args: Array.from(args),
    options: {
      tasks: { type: 'string', multiple: true },
      url: { type: 'string' },
      pool: { type: 'string' },
      prefix: { type: 'string' },
      concurrency: { type: 'string' },
      executor: { type: 'string' },
      lock: { type: 'string' },
      stalled: { type: 'string' },
      help: { type: 'boolean' },
    },
  })
  if (values.help) return undefined
  const { url = env.HEDDLE_URL, tasks = [], executor = 'threads' } = values
  if (tasks.length === 0) throw new Error('which tasks? name their module with --tasks')
  if (!url) throw new Error('which server? name it with --url, or in the environment as HEDDLE_URL')
  if (executor !== 'threads' && executor !== 'processes')
    throw new Error(`--executor is threads or processes, not ${executor}`)
  return {
    url,
    tasks,
    pool: values.pool,
    prefix: values.prefix,
    concurrency: numberOf('concurrency', values.concurrency),
    executor,
    lockDuration: numberOf('lock', values.lock),
    stalledInterval: numberOf('stalled', values.stalled),
  }
}

/** @throws Error */
function numberOf(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (!/^\d+$/.test(text)) throw new Error(`--${name} is a whole number, not ${text}`)
  return Number(text)
}
