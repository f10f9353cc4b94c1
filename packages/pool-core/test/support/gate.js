import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach } from '@jest/globals'
import { until } from './observe.js'

const made = new Set()

export class Gate {
  dir = mkdtempSync(join(tmpdir(), 'heddle-gate-'))

  constructor() {
    made.add(this.dir)
  }

  log() {
    const file = join(this.dir, 'log')
    // A file that was just made is empty for a moment: that is no line.
    return existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : []
  }

  async begun(...labels) {
    await until(() => labels.every((label) => this.log().includes(label)), `the begin of ${labels.join(', ')}`)
  }

  open() {
    writeFileSync(join(this.dir, 'open'), '')
  }
}

afterEach(() => {
  for (const dir of made) rmSync(dir, { recursive: true, force: true, maxRetries: 5 })
  made.clear()
})
