// A worker thread in Node, Deno and Bun. It listens to nothing, so that only its own work keeps it alive.
import { parentPort, workerData } from 'node:worker_threads'
import { serve } from './run-cases.mjs'

parentPort.postMessage(await serve(workerData))
