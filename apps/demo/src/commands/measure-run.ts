import { ProgressBar } from '../cli/progress-bar.js'
import type { Screen } from '../cli/screen.js'
import type { JobOptions, Progress } from '../index-job/job.js'
import type { IndexResult } from '../index-job/merge.js'

export interface MeasuredRun {
  readonly result: IndexResult
  readonly progress: Progress
  readonly ms: number
  /** Processor time of all threads of this process. */
  readonly cpuMs: number
}

/** Runs a job, with a progress bar on the screen meanwhile. */
export async function measureRun(
  run: (options: JobOptions) => Promise<IndexResult>,
  options: JobOptions,
  screen: Screen,
): Promise<MeasuredRun> {
  using _bar = new ProgressBar(screen, options.progress)
  const begun = performance.now()
  const cpuBefore = process.cpuUsage()
  const result = await run(options)
  const { user, system } = process.cpuUsage(cpuBefore)
  return { result, progress: options.progress, ms: performance.now() - begun, cpuMs: (user + system) / 1_000 }
}
