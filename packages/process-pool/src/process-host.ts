import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Connected, FromWorker, Hello, HelloReply, HostKind, ToWorker, WorkerSettings } from '@heddle/pool-core'
import { Tinypool } from 'tinypool'
import type { LaneMessage } from './lane-message.js'

/** So many milliseconds a process that has ended may keep its messages and its output open: children of its own may have inherited them. */
const finishMs = 200

export const processes: HostKind<Tinypool & { threads: HostThreads }> = {
  what: 'worker process',
  boundary: 'process',
  createHost: (settings) =>
    new Tinypool({
      runtime: 'child_process',
      // Otherwise a Map, a Date or a typed array arrives as something else.
      serialization: 'advanced',
      // Otherwise a child has no environment at all, PATH and HOME included.
      env: environment(settings.env),
      execArgv: execArgvOf(settings),
      filename: fileURLToPath(new URL('./process-entry.js', import.meta.url)),
      minThreads: 1,
      maxThreads: 1,
    }) as Tinypool & { threads: HostThreads },
  connect: (host, hello, onMessage): Connected => connect(host, hello, onMessage),
  killWorker: ({ threadId }) => {
    try {
      process.kill(threadId, 'SIGKILL')
    } catch {
      // It has ended by itself.
    }
  },
}

type HostThreads = ReturnType<HostKind['createHost']>['threads']

/** What tinypool's worker has beside what it declares. */
interface HostedChild {
  readonly process?: ChildProcess
}

/**
 * Passes on what a worker has printed before its end: tinypool stops at its exit, when not all was read. Resolves when all was.
 */
async function passOnRest(worker: HostedChild | undefined): Promise<void> {
  const child = worker?.process
  if (!child) return
  await once(child, 'exit').catch(() => undefined)
  // By then tinypool has let go of them.
  await nextTurn()
  const rest = [
    [child.stdout, process.stdout],
    [child.stderr, process.stderr],
  ] as const
  await Promise.all(
    rest.map(async ([from, to]) => {
      if (!from || from.readableEnded || from.destroyed) return
      from.pipe(to, { end: false })
      await once(from, 'close').catch(() => undefined)
    }),
  )
}

async function orAtMost(ms: number, work: Promise<unknown>): Promise<void> {
  const timer = new AbortController()
  const late = delay(ms, undefined, { signal: timer.signal }).catch(() => undefined)
  await Promise.race([work, late])
  timer.abort()
}

function connect(
  host: Tinypool & { threads: HostThreads },
  hello: Hello,
  onMessage: (message: FromWorker) => void,
): Connected {
  let post: (message: LaneMessage<ToWorker>) => void = () => undefined
  let isConnected = true
  let onDisconnect = () => {}
  const printed = passOnRest(host.threads[0] as HostedChild | undefined)
  const reply = host.run(hello, {
    channel: {
      onMessage: (send) => {
        post = send
      },
      postMessage: (message) => {
        // Tasks may send messages of their own, which nobody here has asked for.
        const { heddle } = (message ?? {}) as Partial<LaneMessage<FromWorker>>
        if (heddle) onMessage(heddle)
      },
    },
  }) as Promise<HelloReply>
  host.threads[0]?.once('disconnect', () => {
    isConnected = false
    onDisconnect()
  })
  return {
    reply,
    lane: {
      send: (message, transfer) => {
        if (!isConnected) return
        // As in a thread, they are gone here; and a list that does not fit throws before anything is sent.
        post({ heddle: transfer?.length ? structuredClone(message, { transfer: transfer as never }) : message })
      },
      finish: () => {
        const disconnected = new Promise<void>((resolve) => {
          if (isConnected) onDisconnect = resolve
          else resolve()
        })
        return orAtMost(finishMs, Promise.all([disconnected, printed]))
      },
      close: () => {
        isConnected = false
        onDisconnect()
      },
    },
  }
}

function environment(added: WorkerSettings['env']): Record<string, string> {
  return Object.fromEntries(
    Object.entries({ ...process.env, ...added }).filter((entry): entry is [string, string] => entry[1] !== undefined),
  )
}

/** The options of this process, without a program that was given among them: each worker would run it, and so on without end. */
function inheritedExecArgv(): string[] {
  const inherited: string[] = []
  let isProgram = false
  for (const option of process.execArgv) {
    if (isProgram) isProgram = false
    else if (/^(-e|--eval|-p|--print|-pe)$/.test(option)) isProgram = true
    else if (
      !/^(--eval=|--print=|--input-type|--test$|--test-|--watch|--check$|-c$|--interactive$|-i$|--inspect|--debug-port)/.test(
        option,
      )
    )
      inherited.push(option)
  }
  return inherited
}

/** A process is limited by the options of its V8. */
function execArgvOf({ execArgv, resourceLimits }: WorkerSettings): string[] {
  const options = [...(execArgv ?? inheritedExecArgv())]
  const { maxOldGenerationSizeMb, maxYoungGenerationSizeMb, stackSizeMb } = resourceLimits ?? {}
  if (maxOldGenerationSizeMb !== undefined) options.push(`--max-old-space-size=${maxOldGenerationSizeMb}`)
  if (maxYoungGenerationSizeMb !== undefined)
    options.push(`--max-semi-space-size=${Math.max(1, Math.floor(maxYoungGenerationSizeMb / 3))}`)
  if (stackSizeMb !== undefined) options.push(`--stack-size=${Math.floor(stackSizeMb * 1024)}`)
  return options
}
