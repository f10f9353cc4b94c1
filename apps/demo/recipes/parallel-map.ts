import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ThreadPoolManager } from '@heddle/worker-pool'
import { hashFile } from './parallel-map-tasks.js'

const folder = await mkdtemp(join(tmpdir(), 'parallel-map-'))
const files: string[] = []
for (let n = 0; n < 12; n++) {
  const file = join(folder, `${n}.txt`)
  await writeFile(file, `this is file ${n}`)
  files.push(file)
}

try {
  await using pool = new ThreadPoolManager({ maxWorkers: 2 })

  // At most four files are under way, however many there are; results come in the order of the files.
  let done = 0
  for await (const hash of pool.map(hashFile, files, { concurrency: 4 })) {
    done++
    if (done % 4 === 0) console.log(`${done} of ${files.length} done, the last one is ${hash.slice(0, 8)}`)
  }

  // The input may be endless. Who has seen enough aborts: what is under way ends, and nothing more is begun. `break` does the same.
  const again = function* () {
    for (;;) yield* files
  }
  const controller = new AbortController()
  let seen = 0
  try {
    for await (const _ of pool.map(hashFile, again(), { concurrency: 4, signal: controller.signal })) {
      seen++
      if (seen === 30) controller.abort(new Error('thirty are enough'))
    }
  } catch (error) {
    console.log(`stopped: ${(error as Error).message}`)
  }
} finally {
  await rm(folder, { recursive: true })
}
