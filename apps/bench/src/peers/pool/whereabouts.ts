import { threadId } from 'node:worker_threads'
import { work } from './work.js'

/** Keeps its worker busy for a while and says which one it was. */
export default (seed: number): string => {
  work(seed)
  return `${process.pid}/${threadId}`
}
