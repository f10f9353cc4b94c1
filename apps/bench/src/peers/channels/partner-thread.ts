import { parentPort, workerData } from 'node:worker_threads'
import type { Order, Part } from './partner.js'
import { openSending, openTaking } from './ways.js'

const part = workerData as Part
const { kind } = part
const jobs = await Promise.all(
  part.side === 'send' ? part.ends.map((end) => openSending(end, kind)) : part.ends.map((end) => openTaking(end, kind)),
)

parentPort?.on('message', (order: Order) => void work(order))
parentPort?.postMessage('ready')

async function work({ which, calls }: Order): Promise<void> {
  await jobs[which]?.(calls)
  // What this thread has used is counted where the whole process is.
  parentPort?.postMessage({ cpu: 0, wall: 0 })
}
