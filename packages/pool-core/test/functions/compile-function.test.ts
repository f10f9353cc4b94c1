import { fork } from 'node:child_process'
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { compileFunction, sourceOf } from '@heddle/pool-core'
import { afterAll, describe, expect, test } from '@jest/globals'
import { written } from './support.js'

const fixture = new URL('./fixtures/run-source.mjs', import.meta.url)

type Fn = (...args: never[]) => unknown
type Answer = { result?: unknown; name?: string; code?: string; message?: string }

const worker = new Worker(fixture, { stderr: true })
const child = fork(fixture, { serialization: 'advanced', silent: true })
const printed: string[] = []
worker.stderr.on('data', (data) => printed.push(String(data)))
child.stderr?.on('data', (data) => printed.push(String(data)))
afterAll(async () => {
  child.disconnect()
  await worker.terminate()
})

const places: [string, (fn: Fn, ...args: unknown[]) => Promise<Answer>][] = [
  [
    'a worker thread',
    async (fn, ...args) => {
      worker.postMessage({ source: sourceOf(fn), args })
      return ((await once(worker, 'message')) as [Answer])[0]
    },
  ],
  [
    'a child process',
    async (fn, ...args) => {
      child.send({ source: sourceOf(fn), args } as never)
      return ((await once(child, 'message')) as [Answer])[0]
    },
  ],
]

describe.each(places)('in %s', (_, run) => {
  test('a function runs on its arguments', async () => {
    const words = async (text: string, { least = 1 }: { least?: number } = {}) => {
      const counts = new Map<string, number>()
      for (const [word] of text.matchAll(/\w+/g)) counts.set(word, (counts.get(word) ?? 0) + 1)
      return new Map([...counts].filter(([, count]) => count >= least))
    }
    expect(await run(words, 'to be or not to be', { least: 2 })).toEqual({
      result: new Map([
        ['to', 2],
        ['be', 2],
      ]),
    })
  })

  test('import() finds built-in modules, packages and absolute URLs, and prints nothing', async () => {
    const importer = async () => {
      const { sep } = await import('node:path')
      const { version } = await import('acorn')
      const url = 'data:text/javascript,export default 3'
      return [sep, version, (await import(url)).default]
    }
    const { version } = await import('acorn')
    expect(await run(importer)).toEqual({ result: [(await import('node:path')).sep, version, 3] })
    expect(printed).toEqual([])
  })

  test('a name that is global only where the function was passed is refused', async () => {
    const claims = () => expect(describe).toBe(1)
    expect(sourceOf(claims).freeNames).toEqual(['expect', 'describe'])
    expect(await run(claims)).toEqual({
      name: 'TaskError',
      code: 'ERR_TASK_CAPTURES',
      message: expect.stringMatching(
        /^the function claims uses expect and describe, global where it was passed .* defineTask, or pass the value/,
      ),
    })
  })

  test('what the function throws comes from its own line', async () => {
    const failing = written('function failing() {\n  throw new RangeError(new Error().stack)\n}')
    expect(await run(failing)).toMatchObject({
      name: 'RangeError',
      message: expect.stringMatching(/at failing \(.*\[function failing\]:2:/),
    })
  })
})

test('the global variables that count are those of the code that runs, not those of a test runner', () => {
  expect(sourceOf(() => test).freeNames).toEqual(['test'])
  expect(() => compileFunction(sourceOf(() => test))).toThrow('the function (anonymous) uses test, global where')
})

test('a function keeps nothing of the code that makes it again', () => {
  const source = { name: 'probe', strict: true, freeNames: [] }
  const names = ['evaluate', 'source', 'name', 'freeNames', 'TaskError']
  const probe = compileFunction({ ...source, source: `() => [${names.map((name) => `typeof ${name}`).join()}]` })
  expect(probe()).toEqual(names.map(() => 'undefined'))
})
