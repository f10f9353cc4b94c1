import { accessSync, constants, mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { runAttempts } from './attempts.mjs'
import { ensure } from './install.mjs'
import { startServer } from './server.mjs'

const launchMs = 60_000
const closeMs = 10_000
/** Longer than any case may take: a page that says nothing for so long hangs. */
const silentMs = 15_000
const flags = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** Headless Chromium: its version, and a function that runs the cases of one package in a page. */
export async function openChromium(signal) {
  const executablePath = findChromium()
  const { chromium } = createRequire(import.meta.url)(await ensure('playwright-core'))
  signal.throwIfAborted()
  const profile = mkdtempSync(join(realpathSync(tmpdir()), 'heddle-chromium-'))
  const removeProfile = () => rmSync(profile, { recursive: true, force: true, maxRetries: 5 })
  process.once('exit', removeProfile)
  const options = { executablePath, headless: true, args: flags, timeout: launchMs }
  // This process has its own way to end on a signal, and closes the browser on it.
  const quiet = { handleSIGINT: false, handleSIGTERM: false, handleSIGHUP: false }
  let server
  let context
  const close = async () => {
    if (context) await Promise.race([context.close(), new Promise((resolve) => setTimeout(resolve, closeMs).unref())])
    await server?.close()
    process.off('exit', removeProfile)
    removeProfile()
  }
  try {
    server = await startServer()
    context = await chromium.launchPersistentContext(profile, { ...options, ...quiet })
    const version = context.browser()?.version() ?? (await versionFrom(context))
    const { url } = server
    const runPackage = (each) => runAttempts((...given) => runInPage(context, url, each, given, signal), signal)
    return { version, runPackage, close }
  } catch (error) {
    await close()
    throw error
  }
}

async function runInPage(context, url, { index, main }, [from, timeout, onEvent], signal) {
  const page = await context.newPage()
  const printed = []
  let end
  const ended = new Promise((resolve) => {
    end = resolve
  })
  const timers = [
    setTimeout(() => end(`the page was not through in ${Math.round(timeout)} ms`), timeout),
    setTimeout(() => end(`the page did not answer for ${silentMs} ms`), silentMs),
  ]
  const stop = () => end('stopped')
  signal.addEventListener('abort', stop)
  page.on('crash', () => end('the page crashed'))
  page.on('close', () => end('the page was closed'))
  page.on('console', (message) => printed.push(message.text()))
  page.on('pageerror', (error) => printed.push(String(error)))
  try {
    await page.exposeFunction('reportEvent', (event) => {
      timers[1].refresh()
      if (event.type === 'broken') end(event.message)
      else onEvent(event)
      if (event.type === 'done') end('done')
    })
    const job = JSON.stringify({ indexUrl: `/${index}`, packageUrl: `/${main}`, from })
    page.goto(`${url}?job=${encodeURIComponent(job)}`, { timeout }).catch((error) => end(error.message))
    return [await ended, ...printed].join('\n')
  } finally {
    for (const timer of timers) clearTimeout(timer)
    signal.removeEventListener('abort', stop)
    // A page that hangs does not close by itself.
    await Promise.race([page.close(), new Promise((resolve) => setTimeout(resolve, closeMs).unref())])
  }
}

async function versionFrom(context) {
  const [page] = context.pages()
  const agent = await (page ?? (await context.newPage())).evaluate('navigator.userAgent')
  return /Chrome\/([\d.]+)/.exec(agent)?.[1] ?? 'of an unknown version'
}

function findChromium() {
  const { CHROMIUM_BIN: named, PATH = '' } = process.env
  const folders = PATH.split(delimiter).filter((folder) => folder !== '')
  const places = named ? [named] : ['/usr/bin/chromium', ...folders.map((folder) => join(folder, 'chromium'))]
  const found = places.find(isProgram)
  if (found !== undefined) return found
  throw new Error(
    named
      ? `$CHROMIUM_BIN is ${named}, which is no program`
      : 'there is no Chromium: `apt-get install chromium` gives it on Debian, or name one in $CHROMIUM_BIN',
  )
}

function isProgram(path) {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
