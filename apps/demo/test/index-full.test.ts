import { spawn } from 'node:child_process'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { existsSync, linkSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { APPLICATION_ID } from '@heddle/demo/index-job/full/database-mark.js'
import { type FullOptions, indexInFull } from '@heddle/demo/index-job/full/run-in-full.js'
import { wordLists } from '@heddle/demo/index-job/full/word-lists.js'
import { type JobOptions, newProgress } from '@heddle/demo/index-job/job.js'
import { indexInPool } from '@heddle/demo/index-job/run-in-pool.js'
import { Tokenizer } from '@heddle/demo/index-job/tokenizer.js'
import { WordTable } from '@heddle/demo/index-job/word-table.js'
import { Segment } from '@heddle/shared-memory'
import { afterEach, describe, expect, test } from '@jest/globals'
import sqlite from 'node-sqlite3-wasm'
import { indexFolder } from './support/index-folder.js'
import { countWords, naiveIndex, naiveWalk, naiveWords } from './support/naive-index.js'
import { groupIsAlive, printed, runDemo } from './support/run-demo.js'
import { type TemporaryFolder, temporaryFolders } from './support/temporary-folder.js'
import { wordsOf } from './support/words-of.js'

const folders = temporaryFolders()
afterEach(folders.removeAll)
/** Where databases are made. */
const scratch = () => folders.make().path

function run(path: string, full: Partial<FullOptions> = {}, job: Partial<JobOptions> = {}) {
  return indexInFull(
    {
      root: Buffer.from(path).toString('latin1'),
      selects: () => true,
      top: 10,
      signal: new AbortController().signal,
      keepFileHashes: true,
      progress: newProgress(),
      onNote: () => {},
      ...job,
    },
    { threads: 2, processes: 2, rate: 100_000, database: undefined, ...full },
  )
}

/** Calls `see` with what a diagnostics channel publishes while `fn` is under way. */
async function watching<Result>(
  channel: string,
  see: (message: Readonly<Record<string, unknown>>) => void,
  fn: () => Promise<Result>,
): Promise<Result> {
  const listener = (message: unknown) => see(message as Readonly<Record<string, unknown>>)
  subscribe(channel, listener)
  try {
    return await fn()
  } finally {
    unsubscribe(channel, listener)
  }
}

/** Everything that makes a word or a file unlike others. */
function manyKinds(): TemporaryFolder {
  const folder = folders.make()
  for (let index = 0; index < 300; index++)
    folder.write(
      `many/${index % 7}/${index}.txt`,
      `word${index} shared ${index % 50} Straße ΟΔΟΣ 日本語 `.repeat(1 + (index % 9)),
    )
  folder.write('empty', '')
  folder.write('binary', 'one\0two')
  folder.write('large.txt', 'The quick brown föx jumps over 13 lazy dogs. '.repeat(20_000))
  folder.write('long.txt', `${'y'.repeat(60_000)} ${'İ'.repeat(30_000)} abcdefgh abcdefghi abcd a`)
  folder.write('latin1.txt', Buffer.from('caf\xe9 cr\xe8me', 'latin1'))
  folder.write('über/ΟΔΟΣ.md', 'zwölf')
  return folder
}

describe('a run with the whole family', () => {
  test('has the result of the naive run, of one thread and of the pool, and its database has every row', async () => {
    const { path } = manyKinds()
    const database = `${scratch()}/kept.db`
    const { result, figures } = await run(path, { database })
    const { top: _, ...naive } = naiveIndex(path)
    expect(result).toMatchObject(naive)
    expect((await indexFolder(path)).sha256).toBe(result.sha256)
    const job = {
      root: path,
      selects: () => true,
      top: 10,
      signal: new AbortController().signal,
      keepFileHashes: false,
    }
    const pooled = await indexInPool({ ...job, progress: newProgress(), onNote: () => {} }, 2)
    expect([pooled.sha256, pooled.top]).toEqual([result.sha256, result.top])
    expect(figures).toMatchObject({ changed: 0, crashes: 0, wordsBeside: 0, wordsInDict: naive.distinctWords })

    const indexed = naiveWalk(path).map((name) => [name, readFileSync(`${path}/${name}`)] as const)
    const files = indexed.filter(([, content]) => !content.includes(0))
    const stored = new sqlite.Database(database, { readOnly: true })
    try {
      const fileRows = stored.all('SELECT CAST(path AS TEXT) AS path, bytes FROM files ORDER BY path')
      expect(fileRows).toEqual(files.map(([name, content]) => ({ path: name, bytes: content.length })))
      const wordRows = stored
        .all('SELECT word, count FROM words')
        .map(({ word, count }) => [word, count] as [string, number])
      expect(new Map(wordRows)).toEqual(countWords(files.flatMap(([, content]) => naiveWords(content))))
      expect(stored.all('SELECT sha256 FROM result')).toEqual([{ sha256: naive.sha256 }])
    } finally {
      stored.close()
    }
  })

  test('counts beside the dict what finds no room in it', async () => {
    const folder = folders.make()
    for (let file = 0; file < 40; file++) {
      const words = Array.from({ length: 500 }, (_, index) => `word${((file * 211 + index) % 9_000) * 7_919}`)
      folder.write(`${file}.txt`, words.join(' '))
    }
    const { result, figures } = await run(folder.path, { threads: 1, processes: 1, segmentBytes: 1 << 18 })
    const { top: _, ...naive } = naiveIndex(folder.path)
    expect(result).toMatchObject(naive)
    expect(figures.wordsBeside).toBeGreaterThan(0)
    expect(figures.wordsInDict).toBeGreaterThan(0)
    expect(figures.wordsInDict + figures.wordsBeside).toBeGreaterThanOrEqual(naive.distinctWords)
    expect(figures.rows).toBe(naive.files + naive.distinctWords)
  })

  test('comes to the same result when a process is killed under its work', async () => {
    const folder = folders.make()
    const text = 'All work and no play makes Jack a dull boy. '.repeat(10_000)
    for (let file = 0; file < 6; file++) folder.write(`${file}.txt`, `${file} ${text}`)
    const expected = (await indexFolder(folder.path)).sha256
    const processes: number[] = []
    let killed = 0
    const outcome = await watching(
      'heddle:pool-core:worker',
      ({ event, pid }) => {
        if (event === 'started' && typeof pid === 'number' && pid !== process.pid) processes.push(pid)
      },
      () =>
        watching(
          'heddle:pool-core:task',
          ({ event, task, attempt, number }) => {
            // Not the first one, which only warms the process up.
            if (event !== 'started' || task !== 'hashFiles' || attempt !== 1 || number === 1 || killed > 0) return
            for (const pid of processes) process.kill(pid, 'SIGKILL')
            killed += processes.length
          },
          () => run(folder.path, { threads: 1, processes: 1 }),
        ),
    )
    expect(killed).toBeGreaterThan(0)
    expect(outcome.figures.crashes).toBeGreaterThan(0)
    expect([outcome.result.sha256, outcome.figures.changed]).toEqual([expected, 0])
  })

  test('reads no more files in a second than it may', async () => {
    const folder = folders.make()
    for (let file = 0; file < 16; file++) folder.write(`${file}.txt`, `word ${file}`)
    const begun: number[] = []
    const { result } = await watching(
      'heddle:pool-core:task',
      ({ event, task }) => {
        if (event === 'queued' && task === 'hashFiles') begun.push(performance.now())
      },
      () => run(folder.path, { threads: 1, processes: 1, rate: 8 }),
    )
    expect(result.files).toBe(16)
    // The first begins nothing but the process. Two at a time: the last two of sixteen not before fourteen more were due.
    expect(begun.length).toBe(9)
    expect((begun[8] as number) - (begun[1] as number)).toBeGreaterThanOrEqual(1_700)
  })

  test('does not index its own database, which is made in the middle of the input', async () => {
    const folder = folders.make()
    folder.write('a.txt', 'one two')
    const database = `${folder.path}/index.db`
    const { result } = await run(folder.path, { threads: 1, processes: 1, database })
    expect([...result.fileHashes.keys()]).toEqual(['a.txt'])
    expect(result.notes.summary()).toEqual([])
    expect(readdirSync(folder.path)).toEqual(['a.txt', 'index.db'])
  })

  test('says how many files were different for a process, and counts what the threads have read', async () => {
    // What each process reads here is about itself.
    const { result, figures } = await run(
      '/proc/self',
      { threads: 1, processes: 1 },
      { selects: (name) => name === 'status' },
    )
    expect(result.files).toBeGreaterThan(0)
    expect(figures.changed).toBe(result.files)
  })
})

test('words that come out of the dict are the words that went in, whatever their length', () => {
  const words = Array.from({ length: 24 }, (_, index) => [
    'a'.repeat(index + 1),
    'ß'.repeat(index + 1),
    `x${'日'.repeat(index)}`,
  ]).flat()
  const tokenized = new WordTable()
  const bytes = Buffer.from(words.join(' '))
  const tokenizer = new Tokenizer(tokenized)
  tokenizer.push(bytes, bytes.length, true)
  const read = [...wordLists(words.map((word, index) => [word, index + 1]))]
  const counts = read.flatMap((list) => Array.from({ length: list.size }, (_, word) => tokenized.countOf(list, word)))
  expect(counts).toEqual(words.map(() => 1))
  expect(read.flatMap((list) => [...wordsOf(list)])).toEqual(words.map((word, index) => [word, index + 1]))
})

describe('the end', () => {
  test('comes with the reason of the signal, and nothing stays', async () => {
    const folder = folders.make()
    const file = folder.write('0', 'All work and no play makes Jack a dull boy. '.repeat(200_000))
    for (let index = 1; index < 60; index++) linkSync(file, `${folder.path}/${index}`)
    const reason = new Error('enough')
    const stop = new AbortController()
    const progress = newProgress()
    const place = scratch()
    const job = run(
      folder.path,
      { threads: 1, processes: 1, database: `${place}/never.db` },
      { signal: stop.signal, progress },
    )
    const children: number[] = []
    await watching(
      'heddle:pool-core:worker',
      ({ event, pid }) => {
        if (event === 'started' && typeof pid === 'number' && pid !== process.pid) children.push(pid)
      },
      () =>
        watching(
          'heddle:pool-core:task',
          ({ event, task, number }) => {
            if (event === 'started' && task === 'hashFiles' && number !== 1) stop.abort(reason)
          },
          async () => expect(await job.catch((error: unknown) => error)).toBe(reason),
        ),
    )
    expect(progress.doneFiles).toBeLessThan(60)
    expect(ownSegments(process.pid)).toEqual([])
    expect(children.length).toBeGreaterThan(0)
    expect(children.filter(isAlive)).toEqual([])
    expect(readdirSync(place)).toEqual([])
  })

  test('is the same by Ctrl-C: no process, segment or file stays', async () => {
    const folder = folders.make()
    const file = folder.write('0', 'All work and no play makes Jack a dull boy. '.repeat(200_000))
    for (let index = 1; index < 500; index++) linkSync(file, `${folder.path}/${index}`)
    const place = scratch()
    const { child, ended } = startNode([], entry, ['--full', '--input', folder.path], { TMPDIR: place })
    await printed(child, 'indexing')
    const pid = child.pid as number
    // It has its segment, and is about to start threads and processes.
    while (ownSegments(pid).length === 0) {
      expect(child.exitCode).toBeNull()
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    process.kill(pid, 'SIGINT')
    const { code, stdout, stderr } = await ended
    expect([code, stdout, stderr.split('\n').slice(1)]).toEqual([130, '', ['demo: ended by SIGINT', '']])
    expect(groupIsAlive(child)).toBe(false)
    expect(ownSegments(pid)).toEqual([])
    expect(readdirSync(place)).toEqual([])
  })
})

describe('the command', () => {
  test('takes the place of a database of its own, and leaves every other file alone', async () => {
    const folder = folders.make()
    const input = folder.folder('input')
    folder.write('input/a.txt', 'one two')
    const database = `${folder.path}/index.db`
    // Its head is all that is looked at.
    const old = Buffer.alloc(4_096)
    old.write('SQLite format 3\0')
    old.writeUInt32BE(APPLICATION_ID, 68)
    folder.write('index.db', old)
    const args = ['--full', '--workers', '1', '--input', input, '--database', database, '--json', '--verify']
    const { code, stdout } = await runDemo(args)
    expect([code, JSON.parse(stdout)]).toMatchObject([
      0,
      { sha256: naiveIndex(input).sha256, full: { rows: 3, database, changed: 0 }, verify: { agree: true } },
    ])
    const stored = new sqlite.Database(database, { readOnly: true })
    expect(stored.get('SELECT count(*) AS files FROM files')).toEqual({ files: 1 })
    stored.close()

    const foreign = folder.write('foreign.db', 'SQLite format 3\0'.padEnd(200, 'x'))
    for (const other of [foreign, input, '/dev/null']) {
      const refused = await run(input, { database: other }).catch((error: unknown) => error)
      expect(refused).toMatchObject({ name: 'UsageError', message: expect.stringMatching(/--database FILE$/) })
    }
    expect(readFileSync(foreign, 'utf8')).toBe('SQLite format 3\0'.padEnd(200, 'x'))
    expect(readdirSync(folder.path).toSorted()).toEqual(['foreign.db', 'index.db', 'input'])
  })

  test('says in one line what it needs where processes cannot share memory, and what is for --full alone', async () => {
    const folder = folders.make()
    const elsewhere = await startNode(
      ['--import', 'data:text/javascript,Object.defineProperty(process, "platform", { value: "darwin" })'],
      entry,
      ['--full', '--input', folder.path],
    ).ended
    expect([elsewhere.code, elsewhere.stderr.split('\n').slice(1)]).toEqual([
      2,
      [
        'demo: --full cannot work here, leave it out: memory that processes share is there on Linux only, not on darwin; threads share memory everywhere',
        '',
      ],
    ])
    const { code, stderr } = await runDemo(['--input', folder.path, '--rate', '5'])
    expect([code, stderr]).toEqual([2, 'demo: --rate is for the whole family: add --full\n'])
  })

  test('loads nothing of the family beyond the thread pool before --full is given', async () => {
    const tell = 'process._rawDebug(url)'
    const load = `export async function load(url, context, next) { ${tell}; return next(url, context) }`
    const hook = `import { register } from "node:module"; register(${JSON.stringify(`data:text/javascript,${encodeURIComponent(load)}`)})`
    const command = new URL('../dist/commands/index-command.js', import.meta.url)
    const { code, stderr } = await startNode(
      ['--import', `data:text/javascript,${encodeURIComponent(hook)}`],
      fileURLToPath(command),
    ).ended
    const loaded = stderr.split('\n').filter((line) => line.startsWith('file:'))
    expect([code, loaded.includes(command.href), loaded.some((url) => url.includes('/worker-pool/'))]).toEqual([
      0,
      true,
      true,
    ])
    const later = /index-job\/full|async-patterns|ipc-channels|process-pool|shared-memory|sqlite/
    expect(loaded.filter((url) => later.test(url))).toEqual([])
  })
})

function isAlive(pid: number): boolean {
  return existsSync(`/proc/${pid}`)
}

/** The segments that a process takes part in. */
function ownSegments(pid: number): unknown[] {
  return Segment.list().filter(({ participants }) => participants.some((participant) => participant.processId === pid))
}

const entry = fileURLToPath(new URL('../dist/main.js', import.meta.url))

/** Starts a program with options of Node's, in a process group of its own. */
function startNode(nodeOptions: readonly string[], program: string, args: readonly string[] = [], env = {}) {
  const child = spawn(process.execPath, [...nodeOptions, program, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
    detached: true,
  })
  const output = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text
    })
  const ended = new Promise<typeof output & { code: number | null }>((resolve) =>
    child.once('close', (code) => resolve({ code, ...output })),
  )
  return { child, ended }
}
