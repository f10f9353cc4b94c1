import { parentPort } from 'node:worker_threads'
import { work } from './work.js'

parentPort?.on('message', (seeds: readonly number[]) => parentPort?.postMessage(seeds.map(work)))
