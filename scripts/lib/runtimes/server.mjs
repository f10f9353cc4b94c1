import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { root } from '../root.mjs'
import { listPackages } from './portable.mjs'

const served = /^\/(?:scripts\/lib\/runtimes\/host|packages\/[\w-]+\/(?:dist|test\/portable))\/[\w./-]+\.m?js$/

const program = `/${relative(root, fileURLToPath(import.meta.resolve('./host/page.mjs'))).replaceAll('\\', '/')}`

/** Without the first two a page has no SharedArrayBuffer; a worker needs the third as well. */
const headers = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
  'cross-origin-resource-policy': 'same-origin',
  // Each run has a port and a profile of its own; without this every worker loads every module again.
  'cache-control': 'max-age=3600',
}

/** Serves a page that runs portable cases, and the modules that it needs, to this machine alone. */
export async function startServer() {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, 'http://localhost')
    answer(pathname).then(
      ({ type, body }) => response.writeHead(200, { ...headers, 'content-type': type }).end(body),
      () => response.writeHead(404, headers).end(),
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const close = async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  }
  return { url: `http://127.0.0.1:${server.address().port}/`, close }
}

async function answer(pathname) {
  if (pathname === '/') return { type: 'text/html', body: page() }
  if (pathname === '/favicon.ico') return { type: 'image/x-icon', body: '' }
  if (!served.test(pathname) || pathname.includes('..')) throw new Error(`not for pages: ${pathname}`)
  return { type: 'text/javascript', body: await readFile(join(root, pathname)) }
}

function page() {
  const imports = Object.fromEntries(listPackages().map(({ name, main }) => [name, `/${main}`]))
  return `<!doctype html>
<meta charset="utf-8">
<title>portable cases</title>
<script type="importmap">${JSON.stringify({ imports })}</script>
<script type="module" src="${program}"></script>
`
}
