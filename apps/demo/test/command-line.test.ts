import { symlinkSync, writeFileSync } from 'node:fs'
import { afterEach, describe, expect, test } from '@jest/globals'
import { naiveIndex } from './support/naive-index.js'
import { runDemo, startDemo } from './support/run-demo.js'
import { temporaryFolders } from './support/temporary-folder.js'

const folders = temporaryFolders()
afterEach(folders.removeAll)

/** Everything but line feeds and printable ASCII. */
const unprintable = /[^\n\x20-\x7e]/

test('--verify --json on a folder full of bad input prints one object, says what was skipped, and both runs agree', async () => {
  const folder = folders.make()
  folder.write('fine.txt', 'one two two')
  folder.write('sub/large.txt', 'Größe und Länge '.repeat(40_000))
  folder.write('empty.txt', '')
  folder.write('binary.bin', 'a\0b')
  folder.write('latin1.txt', Buffer.from('caf\xe9', 'latin1'))
  folder.write('red \x1b[31m\nand more.txt', '')
  folder.fifo('fifo')
  symlinkSync('nowhere', `${folder.path}/broken`)
  symlinkSync('fine.txt', `${folder.path}/link`)
  for (let index = 10; index < 18; index++) folder.write(`flood-${index}`, '\0')
  const expected = naiveIndex(folder.path)

  const { code, stdout, stderr } = await runDemo(['--input', folder.path, '--verify', '--json', '--top', '3'])
  expect(code).toBe(0)
  const report = JSON.parse(stdout)
  const { top, ...figures } = expected
  expect(report).toMatchObject({
    ...figures,
    command: 'index',
    input: folder.path,
    extensions: null,
    folders: 2,
    linksNotFollowed: 1,
    skipped: 11,
    top: top.slice(0, 3),
    verify: { agree: true, differences: [], oneThread: figures },
  })
  expect(report.verify.speedUp).toBeGreaterThan(0)
  expect(report.notes.map(({ kind, count }: { kind: string; count: number }) => [kind, count])).toEqual([
    ['broken-link', 1],
    ['special', 1],
    ['binary', 9],
    ['empty', 2],
    ['invalid-utf8', 1],
  ])
  expect(report.notes[3].first).toEqual([
    { path: 'empty.txt', detail: null },
    { path: 'red \x1b[31m\nand more.txt', detail: null },
  ])
  expect(`${stdout}${stderr}`).not.toMatch(unprintable)
  expect(stderr.split('\n')).toEqual([
    `indexing ${folder.path} with ${report.workers} thread${report.workers === 1 ? '' : 's'}`,
    'skipped: broken (broken link)',
    'skipped: fifo (special file, not opened: fifo)',
    'skipped: binary.bin (binary file, it holds a NUL byte)',
    'noted: empty.txt (empty file, indexed without words)',
    ...[10, 11, 12, 13].map((index) => `skipped: flood-${index} (binary file, it holds a NUL byte)`),
    'noted: latin1.txt (not UTF-8 throughout, the wrong bytes separate words)',
    'noted: red \\u{1b}[31m\\nand more.txt (empty file, indexed without words)',
    'skipped: 4 more (binary files)',
    'verifying: all again in one thread, without the pool',
    '',
  ])
})

test('the result is the naive one whatever the number of threads, and the report is for people without --json', async () => {
  const folder = folders.make()
  for (let index = 0; index < 700; index++)
    folder.write(`folder-${index % 7}/${index}.txt`, `word${index % 100} `.repeat(index))
  const { sha256 } = naiveIndex(folder.path)
  const runs = await Promise.all(
    ['1', '2', '3'].map((workers) => runDemo(['index', `--workers=${workers}`, '--input', '.'], folder.path)),
  )
  for (const { code, stdout } of runs) {
    expect(code).toBe(0)
    expect(stdout).toContain(`sha256      ${sha256}\n`)
    expect(stdout).toContain('700 files, 1.69 MB, in 8 folders\n')
    expect(stdout).toContain('244,650, 100 of them distinct\n')
  }
})

test('--ext selects files by their endings, in either case', async () => {
  const folder = folders.make()
  for (const name of ['a.md', 'b.MD', 'c.ts', 'd.txt', 'md', 'e.amd']) folder.write(name, 'word')
  const { stdout } = await runDemo(['--input', folder.path, '--ext', '.md,ts', '--json'])
  expect(JSON.parse(stdout)).toMatchObject({ files: 3, extensions: ['md', 'ts'] })
})

test('without --input it indexes the Markdown and TypeScript of the repository, dependencies included', async () => {
  const { code, stdout } = await runDemo(['--json'], '/')
  const { files, extensions } = JSON.parse(stdout)
  expect([code, extensions]).toEqual([0, ['md', 'ts', 'mts', 'cts', 'tsx']])
  expect(files).toBeGreaterThan(1_000)
})

test('an empty folder is a result like any other', async () => {
  const { code, stdout } = await runDemo(['--input', folders.make().path, '--json', '--verify'])
  expect([code, JSON.parse(stdout)]).toMatchObject([0, { files: 0, words: 0, top: [], verify: { agree: true } }])
})

test('bad usage and bad input are one clear line and exit code 2', async () => {
  const folder = folders.make()
  const file = folder.write('file', '')
  const cases: [string[], string][] = [
    [
      ['--input', `${folder.path}/none`],
      `there is no folder ${folder.path}/none: give one that exists with --input DIR`,
    ],
    [['--input', file], `${file} is no folder: give the folder that holds it with --input DIR`],
    [['--input', `${file}/below`], `${file}/below leads through a file: give a folder with --input DIR`],
    [['--input', '/\x1b[31m'], 'there is no folder /\\u{1b}[31m: give one that exists with --input DIR'],
    [['--input', ''], '--input needs a value: --input DIR'],
    [['--input'], '--input needs a value: --input DIR'],
    [['--input', '--json'], '--input needs a value: --input DIR'],
    [['--input', '/', '--input', '/'], '--input is given twice: once is enough'],
    [['--workers', '0'], '--workers takes a whole number from 1 to 256, not "0"'],
    [['--workers', '1.5'], '--workers takes a whole number from 1 to 256, not "1.5"'],
    [['--workers', '-1'], '--workers takes a whole number from 1 to 256, not "-1"'],
    [['--top=many'], '--top takes a whole number from 0 to 100000, not "many"'],
    [['--verify=yes'], '--verify takes no value'],
    [['--ext', 'md,,ts'], '--ext takes endings such as md,ts and not ""'],
    [['--frobnicate'], 'there is no option --frobnicate: --help lists them'],
    [['-v'], 'there is no option -v: --help lists them'],
    [['src'], '"src" is no command: to index a folder write --input "src", and --help lists the rest'],
    [['index', 'src'], '"src" is no command: to index a folder write --input "src", and --help lists the rest'],
  ]
  const ended = await Promise.all(cases.map(([args]) => runDemo([...args, '--json'])))
  expect(ended.map(({ code, stdout, stderr }) => [code, stdout, stderr])).toEqual(
    cases.map(([, line]) => [2, '', `demo: ${line}\n`]),
  )
})

test('--help explains itself on the standard output, whatever else is asked', async () => {
  const { code, stdout, stderr } = await runDemo(['--frobnicate', '--help'])
  expect([code, stderr]).toEqual([0, ''])
  for (const text of [
    '--input DIR',
    '--verify',
    '--engine NAME',
    'Exit codes:',
    '129 by SIGHUP',
    '130 by SIGINT',
    '143 by SIGTERM',
  ])
    expect(stdout).toContain(text)
})

describe('a run that cannot be as it should', () => {
  test('ends quietly when nobody reads its output', async () => {
    const folder = folders.make()
    folder.write('words.txt', Array.from({ length: 50_000 }, (_, index) => `word${index}`).join(' '))
    const { child, ended } = startDemo(['--input', folder.path, '--top', '50000'])
    child.stdout?.destroy()
    const { code, stderr } = await ended
    expect([code, stderr.split('\n').length]).toEqual([0, 2])
  })

  const onLinux = process.platform === 'linux' ? test : test.skip
  onLinux('says so, and exits with 1, when the two runs do not agree', async () => {
    // A folder of the system with a file that reads different each time.
    const { code, stdout } = await runDemo(['--input', '/proc/sys/kernel/random', '--verify'])
    expect(code).toBe(1)
    expect(stdout).toContain('NOT EQUAL')
    expect(stdout).toContain('the content of uuid was different: did something write to it?')
  })

  onLinux('exits with 1 when its result cannot be written', async () => {
    const folder = folders.make()
    writeFileSync(`${folder.path}/file`, 'word')
    const { code, stderr } = await runDemo(['--input', folder.path], folder.path, '/dev/full')
    expect(code).toBe(1)
    expect(stderr).toContain('demo: the output could not be written: ENOSPC')
  })

  onLinux('keeps names that are no text apart, and prints them so that they can be told', async () => {
    const folder = folders.make()
    for (const byte of [0xfe, 0xff])
      writeFileSync(Buffer.concat([Buffer.from(`${folder.path}/`), Buffer.from([byte])]), '')
    const { code, stdout, stderr } = await runDemo(['--input', folder.path, '--json'])
    expect([code, JSON.parse(stdout).files]).toEqual([0, 2])
    expect(stderr).toContain('noted: \\xfe (empty file')
    expect(stderr).toContain('noted: \\xff (empty file')
  })
})
