import { runCase, startThread } from '../../../../scripts/lib/runtimes/host/threads.mjs'

const packageUrl = import.meta.resolve('@heddle/sync-primitives')

export const runInThreads = (each) => runCase(each, startThread, packageUrl)
