import { UsageError } from '@heddle/demo/cli/exit-codes.js'
import { patternCommands } from '@heddle/demo/commands/pattern-commands.js'
import type { Check, Pattern } from '@heddle/demo/patterns/pattern.js'
import { type PatternRow, runPattern } from '@heddle/demo/patterns/run-pattern.js'
import { describe, expect, jest, test } from '@jest/globals'
import { optionValues, rightCheck, sampleContext, samplePattern } from './support/sample-patterns.js'

const never = new AbortController().signal
const limits = { longestMs: 30, graceMs: 30 }

/** Ends when it is told to, and not before. */
const untilAborted: Pattern['run'] = async ({ signal }) =>
  await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }))

const hangs: Pattern['run'] = async () => await new Promise(() => {})

const throwsAtOnce: Pattern['run'] = () => {
  throw new Error('at once')
}

async function run(pattern: Pattern['run'], signal = never, print: (line: string) => void = () => {}) {
  return await runPattern(samplePattern('sample', pattern), print, signal, limits)
}

describe('runPattern', () => {
  test('a pattern that comes to what it must is a row that is ok, and prints its lines', async () => {
    const lines: string[] = []
    const printing: Pattern['run'] = async ({ print }) => {
      print('a line')
      return [rightCheck, { what: 'the list', actual: [{ a: 1 }], expected: [{ a: 1 }] }]
    }
    const { ms, ...row } = await run(printing, never, (line) => lines.push(line))
    expect(row).toEqual({
      name: 'sample',
      title: 'The sample',
      kind: 'class',
      packages: ['@heddle/none'],
      mends: 'it mends sample',
      ok: true,
      checks: [
        { what: 'the sum', ok: true },
        { what: 'the list', ok: true },
      ],
      problems: [],
      ended: true,
    })
    expect(ms).toBeGreaterThanOrEqual(0)
    expect(lines).toEqual(['a line'])
  })

  test.each<[string, Pattern['run'], RegExp]>([
    ['fails', async () => Promise.reject(new Error('disk full')), /^it failed: Error: disk full/],
    ['throws at once', throwsAtOnce, /^it failed: Error: at once/],
    ['checks nothing', async () => [], /^it has checked nothing$/],
    ['takes too long', untilAborted, /^it took longer than 0.03 s$/],
  ])('a pattern that %s is a row that is not ok and says so', async (_, pattern, problem) => {
    const { ok, ended, problems } = await run(pattern)
    expect([ok, ended]).toEqual([false, true])
    expect(problems[0]).toMatch(problem)
  })

  test.each<[unknown, unknown, string]>([
    [3, 4, '3, and not 4'],
    ['4', 4, "'4', and not 4"],
    [[1, 2], [2, 1], '[ 1, 2 ], and not [ 2, 1 ]'],
    [new Map([['a', 1]]), new Map([['a', 2]]), "Map(1) { 'a' => 1 }, and not Map(1) { 'a' => 2 }"],
    [undefined, { a: undefined }, 'undefined, and not { a: undefined }'],
    [{}, { a: undefined }, '{}, and not { a: undefined }'],
    [{ a: [{ b: [1] }] }, 1, '{ a: [ { b: [ 1 ] } ] }, and not 1'],
  ])(
    'a wrong value, %p for %p, is a row that is not ok, whatever else was right',
    async (actual, expected, problem) => {
      const wrong: Check = { what: 'the value', actual, expected }
      const { ok, checks, problems } = await run(async () => [rightCheck, wrong, rightCheck])
      expect([ok, checks.map((check) => check.ok)]).toEqual([false, [true, false, true]])
      expect(problems).toEqual([`the value: ${problem}`])
    },
  )

  test('a pattern that comes to what it must when its time is over is not ok', async () => {
    const late: Pattern['run'] = async (stage) => {
      await untilAborted(stage).catch(() => {})
      return [rightCheck]
    }
    expect(await run(late)).toMatchObject({ ok: false, ended: true, problems: ['it took longer than 0.03 s'] })
  })

  test('a pattern that does not end when it is told to is left behind, and prints nothing more', async () => {
    const lines: string[] = []
    let goOn = () => {}
    const hanging: Pattern['run'] = async ({ print }) => {
      print('before')
      await new Promise<void>((resolve) => {
        goOn = resolve
      })
      print('after')
      return [rightCheck]
    }
    const row = await run(hanging, never, (line) => lines.push(line))
    expect(row).toMatchObject({
      ok: false,
      ended: false,
      problems: ['it took longer than 0.03 s', 'it did not end when it was told to'],
    })
    goOn()
    await new Promise(setImmediate)
    expect(lines).toEqual(['before'])
  })

  test.each<[string, Pattern['run']]>([
    ['ends', untilAborted],
    [
      'comes to what it must in spite of it',
      async (stage) => {
        await untilAborted(stage).catch(() => {})
        return [rightCheck]
      },
    ],
    ['hangs', hangs],
  ])('an abort is told with its reason, if the pattern then %s', async (_, pattern) => {
    const controller = new AbortController()
    const reason = new Error('enough')
    const running = runPattern(samplePattern('sample', pattern), () => {}, controller.signal, {
      longestMs: 60_000,
      graceMs: 30,
    })
    controller.abort(reason)
    await expect(running).rejects.toBe(reason)
  })

  test('nothing is begun when the signal has aborted before', async () => {
    let begun = false
    const begins: Pattern['run'] = async () => {
      begun = true
      return [rightCheck]
    }
    await expect(run(begins, AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough')
    expect(begun).toBe(false)
  })

  test('no timer stays behind', async () => {
    const set = jest.spyOn(globalThis, 'setTimeout')
    const clear = jest.spyOn(globalThis, 'clearTimeout')
    const controller = new AbortController()
    await runPattern(good, () => {}, never)
    const aborted = runPattern(samplePattern('aborted', untilAborted), () => {}, controller.signal)
    controller.abort(new Error('enough'))
    await expect(aborted).rejects.toThrow('enough')
    const timers = set.mock.results.map(({ value }) => value)
    const cleared: unknown[] = clear.mock.calls.map(([timer]) => timer)
    jest.restoreAllMocks()
    // Two limits, and the time to end after the abort.
    expect(timers).toHaveLength(3)
    expect(timers.filter((timer) => !cleared.includes(timer))).toEqual([])
  })
})

const good = samplePattern('good-one', async ({ print }) => {
  print('a line of the good one')
  return [rightCheck]
})
const bad = samplePattern('bad-one', async () => [{ what: 'the sum', actual: 5, expected: 4 }])
const failing = samplePattern('failing', async () => Promise.reject(new Error('disk full')))
const empty = samplePattern('empty', async () => [])
const unsupported = async () =>
  Promise.reject(Object.assign(new Error('there is none'), { code: 'ERR_UNSUPPORTED_PLATFORM' }))
const elsewhere: Pattern = { ...samplePattern('elsewhere', unsupported), needs: 'process memory' }
const hanging = samplePattern('hanging', untilAborted)

/** Runs a command on a catalogue of the test. */
async function command(
  which: 'list' | 'run' | 'all',
  catalogue: readonly Pattern[],
  { words = [], json = false, signal = never }: { words?: string[]; json?: boolean; signal?: AbortSignal } = {},
) {
  const { context, printed } = sampleContext(signal)
  const commands = patternCommands(async () => catalogue, limits)
  const code = await commands[`${which}Command`].run(words, optionValues(json), context)
  return { code, ...printed }
}

describe('the commands', () => {
  test('run prints what the pattern prints, what was checked and what is mended, and gives 0', async () => {
    const { code, out } = await command('run', [good, bad], { words: ['good-one'] })
    expect(code).toBe(0)
    expect(out.split('\n')).toEqual([
      'The good-one (class; @heddle/none)',
      '  a line of the good one',
      '  checked: the sum',
      '  mended: it mends good-one',
      expect.stringMatching(/^ {2}ok in \d+\.\d\d s$/),
      '',
      '',
    ])
  })

  test.each([
    [bad, 'the sum: 5, and not 4'],
    [failing, 'it failed: Error: disk full'],
    [empty, 'it has checked nothing'],
    [hanging, 'it took longer than 0.03 s'],
  ])('%# run gives 1 for one that is not right, and says what is wrong', async (pattern, problem) => {
    const { code, out } = await command('run', [good, pattern], { words: [pattern.name] })
    expect(code).toBe(1)
    expect(out).toContain(`  NOT RIGHT: ${problem}`)
    expect(out).toMatch(/^ {2}FAILED in \d+\.\d\d s$/m)
    expect(out).not.toContain('checked: ')
  })

  test('all goes on after one that is not right, ends with a table, and gives 1', async () => {
    const { code, out } = await command('all', [good, bad, failing, empty, hanging, good])
    expect(code).toBe(1)
    const table = out.split('\n').slice(-8)
    expect(table.map((line) => line.replace(/\d+\.\d\d s/, 'N s'))).toEqual([
      expect.stringMatching(/^ok {7}good-one +N s {2}1 check$/),
      expect.stringMatching(/^FAILED {3}bad-one +N s {2}the sum: 5, and not 4$/),
      expect.stringMatching(/^FAILED {3}failing +N s {2}it failed: Error: disk full$/),
      expect.stringMatching(/^FAILED {3}empty +N s {2}it has checked nothing$/),
      expect.stringMatching(/^FAILED {3}hanging +N s {2}it took longer than 0\.03 s$/),
      expect.stringMatching(/^ok {7}good-one +N s {2}1 check$/),
      '2 ok, 4 failed',
      '',
    ])
  })

  test('one that this system cannot run is skipped, with the reason, and is no failure', async () => {
    const { code, out } = await command('all', [good, elsewhere])
    expect(code).toBe(0)
    expect(out).toContain('\n  skipped: there is none\n')
    expect(out).toMatch(/\nskipped {2}elsewhere +\d+\.\d\d s {2}there is none\n1 ok, 0 failed, 1 skipped\n$/)
    const besideBad = await command('all', [bad, elsewhere], { json: true })
    expect(besideBad.code).toBe(1)
    const rows: PatternRow[] = JSON.parse(besideBad.out)
    expect(rows.map(({ ok, skipped, problems }) => [ok, skipped, problems.length])).toEqual([
      [false, undefined, 1],
      [false, 'there is none', 0],
    ])
  })

  test.each<[string, Pattern]>([
    ['needs nothing', samplePattern('elsewhere', unsupported)],
    ['fails otherwise', { ...elsewhere, run: async () => Promise.reject(new Error('disk full')) }],
  ])('one that %s is not skipped', async (_, pattern) => {
    const { code, out } = await command('run', [pattern], { words: ['elsewhere'], json: true })
    const [row] = JSON.parse(out)
    expect([code, row.ok, 'skipped' in row]).toEqual([1, false, false])
  })

  test('--json prints one JSON array and nothing else', async () => {
    const { code, out, notes } = await command('all', [good, bad], { json: true })
    expect(code).toBe(1)
    const rows: PatternRow[] = JSON.parse(out)
    expect(Array.isArray(rows)).toBe(true)
    expect(rows.map(({ name, ok, problems }) => [name, ok, problems])).toEqual([
      ['good-one', true, []],
      ['bad-one', false, ['the sum: 5, and not 4']],
    ])
    expect(notes).toBe('running good-one\nrunning bad-one\n')
    const one = await command('run', [good, bad], { words: ['good-one'], json: true })
    expect([one.code, JSON.parse(one.out).length]).toEqual([0, 1])
    const list = await command('list', [good, bad], { json: true })
    expect(JSON.parse(list.out)).toEqual(
      [good, bad].map(({ name, title, kind, packages, mends }) => ({ name, title, kind, packages, mends })),
    )
  })

  test('list has a line for each, and runs none', async () => {
    const { code, out } = await command('list', [good, hanging])
    expect([code, out]).toEqual([
      0,
      'good-one  class        The good-one: @heddle/none\nhanging   class        The hanging: @heddle/none\n',
    ])
  })

  test('run runs several, in the order they are named', async () => {
    const { code, out } = await command('run', [good, bad], { words: ['bad-one', 'good-one'], json: true })
    expect([code, JSON.parse(out).map(({ name }: PatternRow) => name)]).toEqual([1, ['bad-one', 'good-one']])
  })

  test.each(['good-one', 'GoodOne', 'good_one', 'GOOD ONE', 'goodone', 'the-good-one', 'The good-one'])(
    'a pattern is found by its name or title in any spelling: %s',
    async (word) => {
      const { out } = await command('run', [bad, good], { words: [word], json: true })
      expect(JSON.parse(out)[0].name).toBe('good-one')
    },
  )

  test('a pattern is found by each of its aliases, in any spelling', async () => {
    const aliased = { ...good, aliases: ['example_good', 'quick start 1'] }
    const { out } = await command('run', [bad, aliased], { words: ['ExampleGood', 'quick-start-1'], json: true })
    expect(JSON.parse(out).map(({ name }: PatternRow) => name)).toEqual(['good-one', 'good-one'])
  })

  test.each([
    [['one'], 'there is no pattern "one": perhaps good-one or bad-one'],
    [['BAD'], 'there is no pattern "BAD": perhaps bad-one'],
    [['nonsense'], 'there is no pattern "nonsense": "list" names them all'],
    [['?'], 'there is no pattern "?": "list" names them all'],
    [['good-one', '\x1b[2J'], 'there is no pattern "\\u{1b}[2J": "list" names them all'],
    [[], 'run needs the name of a pattern, such as "run barrier": see "list"'],
  ])('run %j is bad usage, gives a hint, and begins nothing', async (words, message) => {
    let begun = false
    const watched = samplePattern('good-one', async () => {
      begun = true
      return [rightCheck]
    })
    await expect(command('run', [watched, bad], { words })).rejects.toMatchObject(new UsageError(message))
    expect(begun).toBe(false)
  })

  test.each(['list', 'all'] as const)('%s takes no words', async (which) => {
    await expect(command(which, [good], { words: ['good-one'] })).rejects.toMatchObject(
      new UsageError('"good-one" is one word too many: to run one pattern write "run NAME"'),
    )
  })

  test('an abort in the middle of all begins no other pattern and prints no result', async () => {
    const controller = new AbortController()
    const reason = new Error('ended by SIGINT')
    const aborting = samplePattern('aborting', async () => {
      controller.abort(reason)
      return [rightCheck]
    })
    let begun = false
    const next = samplePattern('next', async () => {
      begun = true
      return [rightCheck]
    })
    await expect(command('all', [aborting, next], { json: true, signal: controller.signal })).rejects.toBe(reason)
    expect(begun).toBe(false)
  })
})
