import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { type Browser, type ConsoleMessage, chromium, type Page } from 'playwright-core'

/** Where Chromium is: named in $CHROMIUM_BIN, else where Debian puts it, else on the path; undefined: there is none. */
export function findChromium(): string | undefined {
  const { CHROMIUM_BIN: named, PATH = '' } = process.env
  const folders = PATH.split(delimiter).filter((folder) => folder !== '')
  const places = named ? [named] : ['/usr/bin/chromium', ...folders.map((folder) => join(folder, 'chromium'))]
  return places.find(isProgram)
}

export async function openBrowser(executablePath: string): Promise<Browser> {
  return await chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-first-run'],
    timeout: 60_000,
  })
}

/** What a page complained of: errors of scripts, files that did not come, what the security policy refused. */
export function complaintsOf(page: Page): readonly string[] {
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('console', (message: ConsoleMessage) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text())
  })
  return complaints
}

/** Asks again until the answer is there: pages have no other way to say that they are ready. */
export async function eventually<Found>(what: string, look: () => Promise<Found | undefined | false>): Promise<Found> {
  const deadline = performance.now() + 15_000
  for (;;) {
    const found = await look()
    if (found !== undefined && found !== false) return found
    if (performance.now() > deadline) throw new Error(`never seen: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
