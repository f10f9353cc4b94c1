import { ThreadWorker } from 'poolifier'
import increment from './increment.js'

export default new ThreadWorker<number, number>((n = Number.NaN) => increment(n))
