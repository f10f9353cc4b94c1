import { fileURLToPath } from 'node:url'
import { MessageChannel, receiveMessageOnPort, type Transferable } from 'node:worker_threads'
import type { Connected, FromWorker, Hello, HelloReply, HostKind } from '@heddle/pool-core'
import { Tinypool } from 'tinypool'

/** What a worker thread is started with: the first and only task that tinypool gives it. */
export interface ThreadHello extends Hello {
  readonly port: MessagePort
}

export const threads: HostKind<Tinypool & { threads: HostThreads }> = {
  what: 'worker thread',
  boundary: 'thread',
  createHost: ({ execArgv, env, resourceLimits }) =>
    new Tinypool({
      runtime: 'worker_threads',
      filename: fileURLToPath(new URL('./thread-entry.js', import.meta.url)),
      minThreads: 1,
      maxThreads: 1,
      // Otherwise an idle worker stands still: timers and ports that a task has left behind do not run.
      useAtomics: false,
      ...execArgvOf(execArgv),
      ...(env && { env: { ...process.env, ...env } as Record<string, string> }),
      ...(resourceLimits && { resourceLimits }),
    }) as Tinypool & { threads: HostThreads },
  connect: (host, hello, onMessage): Connected => {
    const { port1, port2 } = new MessageChannel()
    port1.on('message', onMessage)
    // Whoever waits for an answer keeps the process alive by himself.
    port1.unref()
    return {
      lane: {
        send: (message, transfer) => port1.postMessage(message, transfer as Transferable[] | undefined),
        finish: () => {
          for (let next = receiveMessageOnPort(port1); next; next = receiveMessageOnPort(port1))
            onMessage(next.message as FromWorker)
          return undefined
        },
        close: () => port1.close(),
      },
      reply: host.run({ ...hello, port: port2 }, { transferList: [port2 as never] }) as Promise<HelloReply>,
    }
  },
}

type HostThreads = ReturnType<HostKind['createHost']>['threads']
type MessagePort = MessageChannel['port1']

/** Options of Node that name modules to load, each with its value in the next place or behind `=`. */
const loading = /^(--import|--require|-r|--loader|--experimental-loader|--conditions|-C)(=|$)/

/**
 * Undefined, a worker inherits the options of this process. Of a program that was given on the command line it would refuse
 * `--input-type`, so then it gets those that say what to load.
 */
function execArgvOf(execArgv: readonly string[] | undefined): { readonly execArgv?: string[] } {
  if (execArgv) return { execArgv: [...execArgv] }
  if (!process.execArgv.some((option) => option.startsWith('--input-type'))) return {}
  const kept: string[] = []
  process.execArgv.forEach((option, index) => {
    const previous = process.execArgv[index - 1] ?? ''
    if (loading.test(option) || (loading.test(previous) && !previous.includes('='))) kept.push(option)
  })
  return { execArgv: kept }
}
