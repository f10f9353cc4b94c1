import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from './observe.js'
import { isAwaitedHere } from './opened.js'

/** A folder by which tasks tell what has begun, and in which they wait until it is opened. */
export class Gate {
  readonly dir: string = mkdtempSync(join(tmpdir(), 'heddle-case-'))

  /** What has begun, in that order. */
  log(): string[] {
    const file = join(this.dir, 'log')
    return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : []
  }

  async begun(...labels: readonly string[]): Promise<void> {
    await until(() => labels.every((label) => this.log().includes(label)), `the begin of ${labels.join(', ')}`)
  }

  open(): void {
    writeFileSync(join(this.dir, 'open'), '')
  }

  /** Resolves when the tasks of this thread that wait at it have ended, once it is open. */
  async left(): Promise<void> {
    await until(() => !isAwaitedHere(this.dir), 'the end of what waited at a gate')
  }

  remove(): void {
    rmSync(this.dir, { recursive: true, force: true, maxRetries: 5 })
  }
}
