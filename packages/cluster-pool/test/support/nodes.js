// Nodes in processes of their own: the command heddle-node, as users start it.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const command = fileURLToPath(new URL('../../dist/heddle-node.js', import.meta.url))
const tasks = fileURLToPath(new URL('../fixtures/tasks.mjs', import.meta.url))

/** Resolves when it takes tasks. */
export async function startNode(cluster, args = [], limits = ['--lock', '2000', '--stalled', '1000']) {
  const child = spawn(process.execPath, [command, '--tasks', tasks, '--prefix', cluster.prefix, ...limits, ...args], {
    env: { ...process.env, HEDDLE_URL: cluster.url },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  const exited = once(child, 'exit').then(([code, signal]) => ({ code, signal }))
  await new Promise((resolve, reject) => {
    const read = (chunk) => {
      output += chunk
      if (output.includes('at a time')) resolve()
    }
    child.stdout.on('data', read)
    child.stderr.on('data', read)
    void exited.then(({ code }) => reject(new Error(`the node has ended with ${code}: ${output}`)))
  })
  return {
    pid: child.pid,
    exited,
    output: () => output,
    kill(signal) {
      child.kill(signal)
      return exited
    },
  }
}
