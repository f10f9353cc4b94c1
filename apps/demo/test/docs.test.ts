import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'
import { anchorsOf, brokenLinksOf, relativeLinksOf } from './support/markdown.js'
import { claimsOf, type FigureRow, gatesNamedIn, unfoundedClaims } from './support/speed-claims.js'

const root = new URL('../../../', import.meta.url)
const read = (path: string) => readFileSync(new URL(path, root), 'utf8')
const filesIn = (folder: string) => readdirSync(new URL(folder, root)).map((name) => `${folder}${name}`)

const pages = [
  'README.md',
  'CONTRIBUTING.md',
  ...filesIn('docs/').filter((path) => path.endsWith('.md')),
  ...filesIn('packages/').map((folder) => `${folder}/README.md`),
  ...filesIn('apps/').map((folder) => `${folder}/README.md`),
].filter((path) => existsSync(new URL(path, root)))

/** Each gate as `suite gate`, as the bench's README lists them. */
const gates = [...read('apps/bench/README.md').matchAll(/^\| `([a-z]+)` \| ((?:`[a-z-]+`(?:, )?)+) \|/gm)].flatMap(
  ([, suite, names]) => [...(names as string).matchAll(/`([a-z-]+)`/g)].map(([, gate]) => `${suite} ${gate}`),
)

describe('links', () => {
  test.each(pages)('every relative link of %s leads to a file, and to a heading in it', (page) => {
    expect(brokenLinksOf(new URL(page, root))).toEqual([])
  })

  test('are found as GitHub finds them', () => {
    const page =
      '# A `b` & c, d\n## A `b` & c, d\n[x](to.md#a)\n```\n# no\n[n](o)\n```\n![i](to.svg) `[no](no.md)` [`g`](g.md)\n'
    expect(anchorsOf(page)).toEqual(['a-b--c-d', 'a-b--c-d-1'])
    expect(relativeLinksOf(page)).toEqual(['to.md#a', 'to.svg', 'g.md'])
  })
})

describe('docs/choosing.md', () => {
  const guide = read('docs/choosing.md')
  const claims = claimsOf(guide)

  test('names only gates that there are', () => {
    expect(gates.length).toBeGreaterThan(40)
    expect(pages.flatMap((page) => gatesNamedIn(read(page))).filter((gate) => !gates.includes(gate))).toEqual([])
  })

  test('has a row in its table for each gate that it names', () => {
    const claimed = claims.map(({ suite, gate }) => `${suite} ${gate}`)
    expect(gatesNamedIn(guide).filter((gate) => !claimed.includes(gate))).toEqual([])
    expect(claims).toHaveLength(guide.match(/^\|.*\| `(?:[<>]=|ours) /gm)?.length ?? 0)
  })

  test('claims nothing that the figures do not bear out', () => {
    // Made by `npm run bench -- --page`.
    const rows = JSON.parse(read('docs/benchmarks/rows.json')) as FigureRow[]
    expect(unfoundedClaims(claims, rows)).toEqual([])
  })

  test('is told of claims that do not hold', () => {
    const claim = { claim: 'c', suite: 's' }
    const claimed = [
      { ...claim, gate: 'low', holdsIf: '<= 2' },
      { ...claim, gate: 'low', holdsIf: '>= 2' },
      { ...claim, gate: 'low', holdsIf: 'ours < high' },
      { ...claim, gate: 'high', holdsIf: 'ours < low' },
      { ...claim, gate: 'none', holdsIf: '>= 1' },
      { ...claim, gate: 'late', holdsIf: '>= 1' },
      { ...claim, gate: 'low', holdsIf: 'fast' },
    ]
    const rows = [
      { suite: 's', gate: 'low', value: 1, ours: 1, unit: 'ms' },
      { suite: 's', gate: 'high', value: 2, ours: 2, unit: 'ms' },
      { suite: 's', gate: 'late', skipped: 'no python3' },
      { suite: 'other', gate: 'none', value: 1 },
    ]
    expect(unfoundedClaims(claimed, rows)).toEqual([
      'c: low is 1, and not >= 2',
      'c: high has 2, low 1 ms',
      'c: there is no gate none in s',
      'c: no figure: no python3',
      'c: fast compares nothing',
    ])
  })
})

test.each(['sync-primitives', 'shared-memory', 'ipc-channels', 'async-patterns', 'worker-pool', 'process-pool'])(
  'docs/guarantees.md names every class of %s but its errors',
  async (folder) => {
    const guarantees = read('docs/guarantees.md')
    const exported: Record<string, unknown> = await import(`@heddle/${folder}`)
    const classes = Object.keys(exported).filter((name) => /^[A-Z]/.test(name) && !name.endsWith('Error'))
    expect(classes.length).toBeGreaterThan(0)
    expect(classes.filter((name) => !guarantees.includes(`\`${name}\``))).toEqual([])
  },
)

describe('docs/from-python.md', () => {
  const guide = read('docs/from-python.md')
  const inPackage = [...guide.matchAll(/^\| `(\w+)` \| `(\w+)` in `(@heddle\/[a-z-]+)` \|/gm)].map((parts) => {
    const [, theirs, ours, from] = parts as unknown as [string, string, string, string]
    return { theirs, ours, from }
  })

  test('has a row for each class of the usual Python versions', () => {
    const theirs = inPackage.map((row) => row.theirs)
    expect(theirs.toSorted()).toEqual([
      'AsyncBatchProcessor',
      'AsyncProducerConsumer',
      'AsyncRateLimiter',
      'AsyncTaskManager',
      'Barrier',
      'ProcessCommunication',
      'ProcessPoolManager',
      'ProducerConsumer',
      'ReadWriteLock',
      'Semaphore',
      'SharedMemoryManager',
      'ThreadPoolManager',
      'ThreadSafeCache',
      'ThreadSafeCounter',
      'ThreadSafeQueue',
    ])
  })

  test.each(inPackage)('$ours is a class of $from', async ({ ours, from }) => {
    const exported: Record<string, unknown> = await import(from)
    expect(exported[ours]).toBeInstanceOf(Function)
  })

  const packageOf = new Map(inPackage.map(({ ours, from }) => [ours, from]))
  for (const [, ours, from] of guide.matchAll(/`(\w+)\.\w+` of `(@heddle\/[a-z-]+)`/g))
    packageOf.set(ours as string, from as string)
  const members = [...guide.matchAll(/^\| .*? \| (`[A-Z]\w+\.\w+`.*?) \|/gm)].flatMap(([, cell]) =>
    [...(cell as string).matchAll(/`([A-Z]\w+)\.(\w+)`/g)].map(([, ours, member]) => ({
      ours: ours as string,
      member: member as string,
    })),
  )

  test.each(members)('$ours has $member', async ({ ours, member }) => {
    const exported: Record<string, unknown> = await import(packageOf.get(ours) ?? 'a class without a row')
    const { prototype } = exported[ours] as { prototype: object }
    expect(member in prototype).toBe(true)
  })

  test('names the methods of the table', () => {
    expect(members.length).toBeGreaterThan(60)
  })
})
