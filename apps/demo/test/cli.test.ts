import { describeProgress, ProgressBar } from '@heddle/demo/cli/progress-bar.js'
import { Screen } from '@heddle/demo/cli/screen.js'
import { newProgress } from '@heddle/demo/index-job/job.js'
import { printable, printableJson, printablePath } from '@heddle/demo/printable.js'
import { expect, test } from '@jest/globals'

/** A terminal that remembers what it was sent. */
function terminal(isTTY: boolean) {
  const written: string[] = []
  return { isTTY, columns: 40, write: (text: string) => written.push(text), written }
}

const halfDone = { ...newProgress(), foundFiles: 4_000, foundBytes: 20e6, doneFiles: 1_000, doneBytes: 10e6 }

test('a bar is drawn when it is known how much there is, figures before that', () => {
  expect(describeProgress({ ...halfDone, walked: true }, 2_000)).toBe(
    '[############------------] 50 %  1,000 of 4,000 files  5 MB/s  0:02',
  )
  expect(describeProgress(halfDone, 65_000)).toBe('1,000 files done, 4,000 found so far  0.15 MB/s  1:05')
  expect(describeProgress({ ...newProgress(), walked: true }, 1_000)).toMatch(/^\[#{24}\] 100 %/)
})

test('on a terminal the bar is one line that is redrawn, cut to the width, and taken away at the end', async () => {
  const stream = terminal(true)
  const screen = new Screen(stream)
  const bar = new ProgressBar(screen, { ...halfDone, walked: true })
  while (stream.written.length < 2) await new Promise((resolve) => setTimeout(resolve, 5))
  screen.line('a note')
  bar[Symbol.dispose]()
  expect(stream.written[0]).toBe('\r[############------------] 50 %  1,000 \x1b[K')
  expect(stream.written.slice(-2)).toEqual(['\r\x1b[K', 'a note\n'])
})

test('without a terminal nothing is drawn and nothing has to be taken away', () => {
  const stream = terminal(false)
  const screen = new Screen(stream)
  screen.draw('bar')
  screen.line('a note')
  screen.clear()
  expect(stream.written).toEqual(['a note\n'])
})

test('nothing that a terminal obeys is printed as it is', () => {
  expect(printable('tab\t line\nfeed \x1b[2J \x07 \u009b31m \u202e \u2028 \ufeff \u{e0001} back\\slash é 日')).toBe(
    'tab\\t line\\nfeed \\u{1b}[2J \\u{7} \\u{9b}31m \\u{202e} \\u{2028} \\u{feff} \\u{e0001} back\\\\slash é 日',
  )
  expect(printable('x'.repeat(5_000))).toHaveLength(4_001)
  expect(printablePath(Buffer.from('é\n').toString('latin1'))).toBe('é\\n')
  expect(printablePath('a\xff\n\\')).toBe('a\\xff\\n\\\\')
})

test('JSON is plain ASCII and still says the same', () => {
  const value = { path: 'é \x7f \u009b \u202e \u{1f600}' }
  const json = printableJson(value)
  expect(json).toMatch(/^[\n\x20-\x7e]+$/)
  expect(JSON.parse(json)).toEqual(value)
})
