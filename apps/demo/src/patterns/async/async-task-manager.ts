import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { AsyncTaskManager, type TaskContext } from '@heddle/async-patterns'
import { failureCode } from '../failure-code.js'
import type { Pattern } from '../pattern.js'
import { readmes } from './readmes.js'

const atATime = 4

/** Files are read, four at a time. */
export const asyncTaskManager: Pattern = {
  name: 'async-task-manager',
  title: 'AsyncTaskManager',
  kind: 'class',
  packages: ['@heddle/async-patterns'],
  mends:
    'a task submitted while `wait_for_all_tasks` waits makes that fail, since the dict changes under its loop: here it waits for those before it, and the new one keeps its result',
  async run({ print, signal }) {
    let reading = 0
    let most = 0
    const linesOf = async (file: URL) => {
      reading += 1
      most = Math.max(most, reading)
      const text = await readFile(file, 'utf8').finally(() => {
        reading -= 1
      })
      return text.split('\n').length
    }

    const files = readmes()
    const [someFile] = files as [URL]
    await using manager = new AsyncTaskManager({ maxConcurrent: atATime })
    const ids: string[] = []
    for (const file of files) ids.push(await manager.submitTask(linesOf, [file], { signal }))
    const missing = await manager.submitTask(linesOf, [new URL('no-such-file', someFile)], { signal })

    const firstId = ids[0] as string
    const first = await manager.getTaskResult(firstId, { signal })
    const [rows, lateId] = await Promise.all([
      manager.waitForAllTasks({ signal }),
      manager.submitTask(linesOf, [someFile], { signal }),
    ])
    for (const [id, row] of rows)
      print(`${id}: ${row.status === 'success' ? `${String(row.result)} lines` : row.status}`)
    const results = ids.slice(1).map((id) => rows.get(id))
    const late = await manager.getTaskResult(lateId, { signal })

    const slow = (task: TaskContext) => pause(60_000, undefined, { signal: task.signal })
    const codes = [
      await failureCode(signal, () => manager.run(slow, { timeout: 5, signal })),
      await failureCode(signal, () => manager.getTaskResult(firstId)),
    ]
    print(`read ${files.length} files, ${most} at a time`)

    const expected = files.map((file) => readFileSync(file, 'utf8').split('\n').length)
    const missingRow = rows.get(missing)
    return [
      { what: 'the result of one task', actual: first, expected: expected[0] },
      {
        what: 'the rows of all others',
        actual: results,
        expected: expected.slice(1).map((result) => ({ status: 'success', result })),
      },
      { what: 'a task that fails is a row too', actual: missingRow?.status, expected: 'error' },
      { what: 'the task that came while others were waited for', actual: late, expected: expected[0] },
      { what: 'as many at a time as may be', actual: most, expected: Math.min(atATime, files.length) },
      {
        what: 'a task is too slow; a result is taken once',
        actual: codes,
        expected: ['ERR_TIMEOUT', 'ERR_UNKNOWN_TASK'],
      },
    ]
  },
}
