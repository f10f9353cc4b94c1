import { existsSync, readFileSync } from 'node:fs'

/** A fenced block: its language, and what is inside. */
interface Fence {
  readonly language: string
  readonly text: string
}

/** What stands below a heading, up to the next one. */
export interface Section {
  readonly title: string
  readonly text: string
  readonly fences: readonly Fence[]
}

/** Cuts a page at its headings; what is fenced is no heading and no text. */
export function sectionsOf(markdown: string): Section[] {
  const sections: { title: string; text: string; fences: Fence[] }[] = [{ title: '', text: '', fences: [] }]
  for (const part of markdown.split(/^(```[a-z]*\n[\s\S]*?^```$)/m)) {
    const fence = /^```([a-z]*)\n([\s\S]*)```$/.exec(part)
    if (fence) {
      sections.at(-1)?.fences.push({ language: fence[1] as string, text: fence[2] as string })
      continue
    }
    for (const line of part.split('\n')) {
      const title = /^#+ (.*)$/.exec(line)?.[1]
      const current = sections.at(-1)
      if (title !== undefined) sections.push({ title, text: '', fences: [] })
      else if (current) current.text += `${line}\n`
    }
  }
  return sections
}

/** The anchors that a page's headings have on GitHub. */
export function anchorsOf(markdown: string): string[] {
  const seen = new Map<string, number>()
  return sectionsOf(markdown).flatMap(({ title }) => {
    if (title === '') return []
    const anchor = title
      .toLowerCase()
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .replace(/[^\p{L}\p{N}\p{M} _-]/gu, '')
      .replaceAll(' ', '-')
    const times = seen.get(anchor) ?? 0
    seen.set(anchor, times + 1)
    return times === 0 ? anchor : `${anchor}-${times}`
  })
}

/** The targets of a page's links and images that lead into the repository. */
export function relativeLinksOf(markdown: string): string[] {
  const text = sectionsOf(markdown)
    .map((section) => `${section.title}\n${section.text}`)
    .join('\n')
    // What is quoted as code is no link, but the text of a link may be code.
    .replace(/`[^`\n]*\]\([^`\n]*`/g, '')
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target]) => target as string)
    .filter((to) => !/^[a-z]+:/.test(to))
}

/** The links of a page that lead nowhere. */
export function brokenLinksOf(page: URL): string[] {
  return relativeLinksOf(readFileSync(page, 'utf8')).filter((link) => {
    const target = new URL(link, page)
    const anchor = decodeURIComponent(target.hash.slice(1))
    target.hash = ''
    if (!existsSync(target)) return true
    if (anchor === '') return false
    return !target.pathname.endsWith('.md') || !anchorsOf(readFileSync(target, 'utf8')).includes(anchor)
  })
}
