import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { type DataFolder, leaveDataFolder, openDataFolder, signDataFolder } from './data-folder.js'
import type { Prepare, Prepared, Running, ServerEnd } from './keeper-message.js'
import { postgresKind } from './postgres-command.js'
import { redisKind } from './redis-command.js'
import { howEnded, idsOf, serverEnvironment } from './run-program.js'
import type { ServerKind } from './server-command.js'

/** Milliseconds that a server has to end in good order. */
const graceMs = 5_000
/** So many bytes of its log an error tells. */
const tailBytes = 2_000

interface Place {
  readonly kind: ServerKind
  readonly folder: DataFolder
  /** Where it runs. */
  readonly cwd: string
  readonly log: FileHandle
}

/**
 * A server, its folder and its log, in the keeper process.
 *
 * Invariant: at most one server at a time runs on the folder, and after `close()` there is neither.
 */
export class KeptServer {
  readonly #onEnd: (end: ServerEnd) => void
  readonly #closing = new AbortController()
  #work: Promise<unknown> = Promise.resolve()
  #folder: DataFolder | undefined
  #place: Place | undefined
  /** The process, while it lives. */
  #server: ChildProcess | undefined
  /** Resolves when its end was told. */
  #ended: Promise<void> = Promise.resolve()

  constructor(onEnd: (end: ServerEnd) => void) {
    this.#onEnd = onEnd
  }

  prepare(order: Prepare): Promise<Prepared> {
    return this.#next(async () => {
      const { signal } = this.#closing
      const { found, durable, dataDir } = order
      const kind = found.engine === 'redis' ? redisKind(found) : await postgresKind(found, { durable, signal })
      const folder = await openDataFolder(found.engine, dataDir, kind.user)
      this.#folder = folder
      const log = await open(join(folder.path, 'log'), 'a+', 0o600)
      await log.truncate()
      this.#place = { kind, folder, log, cwd: await kind.initialise(folder, signal) }
      return { folder: folder.path, password: folder.password }
    })
  }

  /** Starts it, and does not wait until it answers. The one before must have ended. */
  run(port: number): Promise<Running> {
    return this.#next(async () => {
      const place = this.#place
      if (!place || this.#server) throw new Error('the server is not prepared, or runs already')
      const { kind, folder, cwd, log } = place
      const { program, args, input } = kind.command(port, folder)
      const { size } = await log.stat()
      const server = spawn(program, args, {
        cwd,
        ...idsOf(kind.user),
        env: serverEnvironment(),
        stdio: ['pipe', log.fd, log.fd],
        // A process group of its own: Ctrl-C in a terminal must not end it before the program, which may need it for its end.
        detached: process.platform !== 'win32',
        windowsHide: true,
      })
      // It may end before it has read all.
      server.stdin?.on('error', () => undefined).end(input)
      await once(server, 'spawn')
      server.on('error', () => undefined)
      this.#server = server
      const pid = server.pid as number
      this.#ended = new Promise((resolve) => {
        server.once('exit', (code, signal) => {
          this.#server = undefined
          resolve(tailOf(log, size).then((tail) => this.#onEnd({ pid, how: howEnded(code, signal), log: tail })))
        })
      })
      await signDataFolder(folder, pid)
      return { pid }
    })
  }

  /** Ends the server, if it runs. */
  end(): Promise<undefined> {
    return this.#next(() => this.#endServer())
  }

  /** Ends what goes on, then the server, then its folder if that is temporary. */
  async close(): Promise<void> {
    this.#closing.abort(new Error('the keeper ends'))
    await this.#work
    await this.#endServer()
    await this.#place?.log.close()
    if (this.#folder) await leaveDataFolder(this.#folder)
  }

  async #endServer(): Promise<undefined> {
    const server = this.#server
    server?.kill(this.#place?.kind.endSignal)
    const timer = setTimeout(() => server?.kill('SIGKILL'), graceMs)
    await this.#ended
    clearTimeout(timer)
  }

  /** One after the other. */
  #next<Value>(work: () => Promise<Value>): Promise<Value> {
    const result = this.#work.then(() => {
      this.#closing.signal.throwIfAborted()
      return work()
    })
    this.#work = result.catch(() => undefined)
    return result
  }
}

/** The end of what was added to the log since. Never fails: it is there for messages. */
async function tailOf(log: FileHandle, since: number): Promise<string> {
  try {
    const { size } = await log.stat()
    const start = Math.max(since, size - tailBytes)
    const { buffer, bytesRead } = await log.read(Buffer.alloc(size - start), 0, size - start, start)
    return buffer.toString('utf8', 0, bytesRead).trim()
  } catch {
    return ''
  }
}
