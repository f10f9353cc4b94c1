import type { LockView, Snapshot } from '@heddle/demo/serve/protocol.js'
import { bodyOf, createTable, fillRows } from './dom.js'
import { figure } from './format.js'
import { createSection, type Panel } from './panels.js'

/** Who holds each lock, who waits for it, and how often it was put right after a death. */
export class LockPanel implements Panel {
  readonly section: HTMLElement
  readonly #body: HTMLTableSectionElement

  constructor(locks: readonly LockView[]) {
    const headers = ['Lock', 'Held by', 'Waiting', 'Recovered']
    const table = createTable('Recovered: how often it was put right after a death', headers, 'locks')
    this.#body = bodyOf(table)
    this.section = createSection(locks.every(({ kind }) => kind === 'Barrier') ? 'Barrier' : 'Locks', table)
    this.section.classList.add('panel-locks')
  }

  write({ locks, lanes }: Snapshot): void {
    const titles = new Map(lanes.map(({ id, title }) => [id, title]))
    const inWords = (ids: readonly number[], none: string) =>
      ids.length === 0 ? none : ids.map((id) => titles.get(id) ?? `lane ${id}`).join(', ')
    const rows = locks.map(({ name, kind, holders, waiters, recovered }) => [
      name === kind ? name : `${name} (${kind})`,
      inWords(holders, 'free'),
      inWords(waiters, 'none'),
      figure(recovered),
    ])
    fillRows(this.#body, rows)
  }

  push(): void {}
  draw(): void {}
  redraw(): void {}
  gap(): void {}

  close(): void {
    this.section.remove()
  }
}
