// Explores the models of `@heddle/ipc-channels` in a thread of its own: nothing else can run beside an exploration.
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parentPort } from 'node:worker_threads'
import { root } from '../root.mjs'
import { importFromTests } from '../transpile.mjs'

const channels = join(root, 'packages', 'ipc-channels')
const interleave = join(root, 'packages', 'interleave')
const print = (line) => parentPort.postMessage({ line })

const { explore } = await import(pathToFileURL(join(interleave, 'dist', 'index.js')).href)
const { models } = await importFromTests(channels, 'test/model', 'index.js')
const begun = performance.now()
const secondsSince = (start) => ((performance.now() - start) / 1000).toFixed(1)
let failures = 0
for (const { algorithm, configuration, options } of models) {
  const started = performance.now()
  const { verdict, states, bounds, failure } = explore(options)
  print(
    `${algorithm}: ${configuration}: ${verdict}${bounds?.length ? ` (${bounds.join(', ')})` : ''}, ${states} states, ` +
      `${secondsSince(started)} s`,
  )
  if (failure) print(`  ${failure.kind}: ${failure.message}\n  schedule ${failure.schedule}`)
  if (verdict !== 'complete') failures += 1
}
print(`= models: ${models.length}, ${failures} not complete, ${secondsSince(begun)} s`)
parentPort.postMessage({ failures })
