import { parentPort, workerData } from 'node:worker_threads'
import { Latch, type SharedObjectHandle } from '@heddle/sync-primitives'

const { name, ...handles } = workerData as { name: string; ready: SharedObjectHandle; open: SharedObjectHandle }

// Here it would load what it needs.
Latch.fromHandle(handles.ready).countDown()
if (Latch.fromHandle(handles.open).waitSync({ timeout: 10_000 })) parentPort?.postMessage(`${name} serves`)
