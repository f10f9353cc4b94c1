import { randomUUID } from 'node:crypto'
import type { Server } from '../connection/cluster-server.js'

const mailboxes = new WeakMap<Server, Mailbox>()

/**
 * Where those of this process who wait are told to look, each by a tag: one channel for all of a cluster's objects.
 *
 * Invariant: from when it is open, no notice is missed without that all are told to look.
 */
export class Mailbox {
  /** What the server publishes on. */
  readonly channel: string
  readonly #server: Server
  readonly #name: string
  readonly #looks = new Map<string, Set<() => void>>()
  #opening: Promise<void> | undefined
  #isOpen = false

  private constructor(server: Server) {
    this.#server = server
    this.#name = `mail:${randomUUID()}`
    this.channel = server.notices.channel(this.#name)
  }

  static of(server: Server): Mailbox {
    const mailbox = mailboxes.get(server) ?? new Mailbox(server)
    mailboxes.set(server, mailbox)
    return mailbox
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  /** Once open, it stays so until the cluster is closed. */
  open(): Promise<void> {
    this.#opening ??= this.#open().catch((error: unknown) => {
      this.#opening = undefined
      throw error
    })
    return this.#opening
  }

  /** Has `look` called whenever the tag is named. Returns what takes it back. */
  listen(tag: string, look: () => void): () => void {
    const looks = this.#looks.get(tag) ?? new Set()
    this.#looks.set(tag, looks.add(look))
    return () => {
      if (looks.delete(look) && looks.size === 0) this.#looks.delete(tag)
    }
  }

  async #open(): Promise<void> {
    await this.#server.notices.subscribe(this.#name, {
      onMessage: (tag) => {
        for (const look of Array.from(this.#looks.get(tag) ?? [])) look()
      },
      onGap: () => this.#lookAll(),
      // They ask, and are told that the cluster is closed.
      onClosed: () => this.#lookAll(),
    })
    this.#isOpen = true
  }

  #lookAll(): void {
    for (const looks of Array.from(this.#looks.values())) for (const look of Array.from(looks)) look()
  }
}
