/** What a page says of speed, and by which figure it holds. */
export interface Claim {
  readonly claim: string
  readonly gate: string
  readonly suite: string
  /** `<= 2` and `>= 1` bound the gate's figure; `ours < other-gate` compares our own figures. */
  readonly holdsIf: string
}

/** A row of the bench, as far as claims go. */
export interface FigureRow {
  readonly suite: string
  readonly gate?: string
  readonly value?: number
  readonly ours?: number
  readonly unit?: string
  readonly skipped?: string
}

/** The rows `| claim | [gate](benchmarks.md#suite) | condition |` of a page. */
export function claimsOf(markdown: string): Claim[] {
  const row = /^\| (.+?) \| \[`([a-z-]+)`\]\(benchmarks\.md#([a-z]+)\) \| `(.+?)` \|$/gm
  return [...markdown.matchAll(row)].map((parts) => {
    const [, claim, gate, suite, holdsIf] = parts as unknown as [string, string, string, string, string]
    return { claim, gate, suite, holdsIf }
  })
}

/** The gates that a page links to, as `suite gate`, each once. */
export function gatesNamedIn(markdown: string): string[] {
  const links = markdown.matchAll(/\[`([a-z-]+)`\]\(benchmarks\.md#([a-z]+)\)/g)
  return [...new Set([...links].map(([, gate, suite]) => `${suite} ${gate}`))]
}

/** Which claims the figures do not bear out, and why. A gate may have several rows: a claim is about all of them. */
export function unfoundedClaims(claims: readonly Claim[], rows: readonly FigureRow[]): string[] {
  return claims.flatMap(({ claim, gate, suite, holdsIf }) => {
    const own = rows.filter((row) => row.gate === gate && row.suite === suite)
    if (own.length === 0) return [`${claim}: there is no gate ${gate} in ${suite}`]
    return own.flatMap((row) => {
      const problem = problemWith(row, holdsIf, rows)
      return problem === undefined ? [] : [`${claim}: ${problem}`]
    })
  })
}

function problemWith(row: FigureRow, holdsIf: string, rows: readonly FigureRow[]): string | undefined {
  if (row.value === undefined) return `no figure: ${row.skipped ?? 'skipped'}`
  const [, bound, limit] = /^(<=|>=) (-?[\d.]+)$/.exec(holdsIf) ?? []
  if (bound !== undefined) {
    const holds = bound === '<=' ? row.value <= Number(limit) : row.value >= Number(limit)
    return holds ? undefined : `${row.gate} is ${row.value}, and not ${holdsIf}`
  }
  const other = rows.find(({ gate }) => gate === /^ours < ([a-z-]+)$/.exec(holdsIf)?.[1])
  if (other?.ours === undefined || row.ours === undefined || other.unit !== row.unit)
    return `${holdsIf} compares nothing`
  return row.ours < other.ours ? undefined : `${row.gate} has ${row.ours}, ${other.gate} ${other.ours} ${row.unit}`
}
