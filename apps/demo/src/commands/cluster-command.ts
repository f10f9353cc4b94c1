import type { LocalEngine } from '@heddle/cluster-pool'
import type { Command, CommandContext } from '../cli/command.js'
import { DONE, FAILED, UsageError } from '../cli/exit-codes.js'
import { counted, seconds } from '../cli/figures.js'
import type { PlaceOptions } from '../index-job/cluster/place.js'
import type { ClusterOutcome, Kill } from '../index-job/cluster/run-in-cluster.js'
import { compareResults } from '../index-job/compare.js'
import { type JobOptions, newProgress } from '../index-job/job.js'
import type { Note } from '../index-job/notes.js'
import { indexInOneThread } from '../index-job/run-in-one-thread.js'
import { printable, printableJson } from '../printable.js'
import { type ClusterReport, type ClusterResult, clusterJson, clusterText } from './cluster-report.js'
import { type Input, openInput } from './index-input.js'
import { describeFurtherNotes, describeNote } from './index-report.js'
import { measureRun } from './measure-run.js'

/** Indexes a folder on two nodes of a cluster, one of which is killed. */
export const clusterCommand: Command = {
  name: 'cluster',
  summary: 'indexes a folder on two nodes of a cluster, kills one of them half-way, and compares with one thread',
  options: [
    { name: 'input', value: 'DIR', help: "the folder; without it this repository's Markdown and TypeScript" },
    {
      name: 'url',
      value: 'URL',
      help: 'redis://, rediss:// or postgres:// (default: HEDDLE_URL, else one is started)',
    },
    {
      name: 'engine',
      value: 'NAME',
      help: 'which one is started: redis or postgres (default: redis, if there is one)',
    },
    { name: 'json', help: 'print one JSON object and nothing else on the standard output' },
  ],
  async run(words, values, context) {
    if (words[0] !== undefined)
      throw new UsageError(`cluster takes options alone, and not "${printable(words[0])}": --help lists them`)
    const server = serverOf(values.text('url'), values.text('engine'))
    const input = openInput(values.text('input'), undefined)
    const { screen, signal } = context
    const clustered = await runOnCluster(server, input, context)
    for (const line of describeFurtherNotes(clustered.run.result.notes)) screen.line(line)
    screen.line('verifying: all again in one thread, without the cluster')
    const single = await measureRun(
      indexInOneThread,
      jobOptions(input, signal, () => {}),
      screen,
    )
    const differences = compareResults(clustered.run.result, single.result)
    const report: ClusterReport = { input, clustered, single, differences }
    context.print(values.has('json') ? `${printableJson(clusterJson(report))}\n` : clusterText(report))
    return differences.length === 0 && clustered.account.problems.length === 0 ? DONE : FAILED
  },
}

/** When it resolves, the nodes have ended, and the server if it was started here. */
async function runOnCluster(
  server: PlaceOptions,
  input: Input,
  { screen, signal }: CommandContext,
): Promise<ClusterResult> {
  // Only now: the other commands need none of it.
  const [{ stay }, { Place }, { ClusterRun }, { accountOf }] = await Promise.all([
    import('../index-job/cluster/stay.js'),
    import('../index-job/cluster/place.js'),
    import('../index-job/cluster/run-in-cluster.js'),
    import('../index-job/cluster/account.js'),
  ])
  using _stay = stay()
  if (server.url === undefined) screen.line('starting a server on this machine')
  const begun = performance.now()
  await using place = await Place.open(server, signal)
  const { engine } = place.cluster
  const took = `${seconds(performance.now() - begun)} s`
  screen.line(`the server is ${engine}${place.pid === undefined ? '' : `, process ${place.pid}, started in ${took}`}`)
  await using run = await ClusterRun.start(place, signal)
  const { all } = run.nodes
  screen.line(
    `indexing ${input.title} on ${all.map(({ pid }, index) => `node ${index + 1} (process ${pid})`).join(', ')}`,
  )
  const onKill = ({ node, done, batches }: Kill) =>
    screen.line(
      `killed node ${all.indexOf(node) + 1}: ${done} of ${counted(batches, 'batch', 'batches')} are in; what it had in hand begins again within about 3 s`,
    )
  const outcomes: ClusterOutcome[] = []
  const measured = await measureRun(
    async (options) => {
      const outcome = await run.index(options, onKill)
      outcomes.push(outcome)
      return outcome.result
    },
    jobOptions(input, signal, (note) => screen.line(describeNote(note))),
    screen,
  )
  await run.nodes.end()
  const [outcome] = outcomes as [ClusterOutcome]
  const pids = all.map(({ pid }) => pid)
  return { run: measured, engine, url: server.url, pids, kill: outcome.kill, account: accountOf(all, outcome) }
}

function jobOptions(input: Input, signal: AbortSignal, onNote: (note: Note) => void): JobOptions {
  return { ...input, top: 0, signal, keepFileHashes: true, progress: newProgress(), onNote }
}

/** @throws UsageError: what names no server */
function serverOf(url: string | undefined, engine: string | undefined): PlaceOptions {
  if (url !== undefined && engine !== undefined)
    throw new UsageError('--engine is for a server that is started here: leave it out, or --url')
  if (!isEngine(engine)) throw new UsageError(`--engine takes redis or postgres, not "${printable(engine)}"`)
  // The command line counts more than the environment.
  return { url: url ?? (engine === undefined ? process.env.HEDDLE_URL || undefined : undefined), engine }
}

function isEngine(text: string | undefined): text is LocalEngine | undefined {
  return text === undefined || text === 'redis' || text === 'postgres'
}
