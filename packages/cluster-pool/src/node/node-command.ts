import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Cluster } from '../connection/cluster.js'
import { ClusterNode } from './cluster-node.js'
import { type NodeArguments, nodeArgumentsOf, usage } from './node-arguments.js'
import type { NodeExecutor } from './node-options.js'
import { type NodeTasks, registryOf } from './task-registry.js'

/** What the command heddle-node does. Resolves with its exit code, once the node has ended. */
export async function runNode(args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  let given: NodeArguments | undefined
  try {
    given = nodeArgumentsOf(args, env)
  } catch (error) {
    say(`${messageOf(error)}\n${usage}`)
    return 2
  }
  if (!given) {
    process.stdout.write(`${usage}\n`)
    return 0
  }
  try {
    await serve(given)
    return 0
  } catch (error) {
    say(messageOf(error))
    return 1
  }
}

async function serve(given: NodeArguments): Promise<void> {
  const registry = registryOf(await tasksOf(given.tasks))
  const concurrency = given.concurrency ?? availableParallelism()
  const stopped = signals()
  const connecting = Cluster.connect({ url: given.url, prefix: given.prefix })
  await using cluster = await unless(stopped.first, connecting)
  const executor = given.executor === 'processes' ? await processPool(concurrency) : undefined
  try {
    const node = await ClusterNode.start(cluster, {
      tasks: Array.from(registry.values(), ({ task }) => task),
      pool: given.pool,
      concurrency,
      executor,
      lockDuration: given.lockDuration,
      stalledInterval: given.stalledInterval,
      onError: (error) => say(error.message),
    })
    process.stdout.write(
      `heddle-node: pool ${node.pool} on ${cluster.engine}, ${concurrency} at a time: ${Array.from(registry.keys()).join(', ')}\n`,
    )
    await stopped.first
    process.stdout.write(`heddle-node: takes no more tasks, ${node.stats().running} to end\n`)
    // The first of the two decides; the other follows by itself.
    await Promise.race([node.drain(), stopped.second.then(() => node.terminate())])
  } finally {
    await executor?.terminate()
  }
}

/** What comes first: the end of the wait for a server that may be away, or the signal to stop. */
async function unless<Value>(stop: Promise<void>, value: Promise<Value>): Promise<Value> {
  const stopped = stop.then((): never => {
    throw new Error('stopped before there was a connection')
  })
  // Only one of them is waited for.
  for (const either of [stopped, value]) either.catch(() => undefined)
  return await Promise.race([value, stopped])
}

/** The exports of all modules together. */
async function tasksOf(files: readonly string[]): Promise<NodeTasks> {
  const modules = await Promise.all(
    files.map(async (file) => (await import(pathToFileURL(resolve(file)).href)) as Record<string, unknown>),
  )
  // By file as well: two modules may export the same name.
  return Object.fromEntries(
    modules.flatMap((exports, index) => Object.entries(exports).map(([name, value]) => [`${index} ${name}`, value])),
  )
}

async function processPool(maxWorkers: number): Promise<NodeExecutor> {
  const module = await import('@heddle/process-pool').catch((cause: unknown) => {
    throw new Error('--executor processes needs @heddle/process-pool: npm install @heddle/process-pool', { cause })
  })
  return new module.ProcessPoolManager({ maxWorkers, maxQueued: Number.POSITIVE_INFINITY })
}

/** Resolve with the first and the second signal that asks for an end. */
function signals(): { readonly first: Promise<void>; readonly second: Promise<void> } {
  let count = 0
  let onFirst: () => void = () => undefined
  let onSecond: () => void = () => undefined
  const first = new Promise<void>((done) => {
    onFirst = done
  })
  const second = new Promise<void>((done) => {
    onSecond = done
  })
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.on(signal, () => {
      count += 1
      if (count === 1) onFirst()
      else onSecond()
    })
  return { first, second }
}

function say(text: string): void {
  process.stderr.write(`heddle-node: ${text}\n`)
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
