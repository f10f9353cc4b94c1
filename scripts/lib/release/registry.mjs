import { once } from 'node:events'
import { createServer } from 'node:http'

const mostBytes = 64 * 1024 * 1024

/**
 * A registry on the loopback, for rehearsals: it takes the packages of one scope and gives them out again, and sends whoever
 * asks for another package to `upstream`. It forgets all of it when it is closed.
 */
export async function openRegistry(scope, upstream) {
  const packages = new Map()
  const tarballs = new Map()
  const server = createServer((request, response) => {
    answer(request, response).catch((error) => {
      if (!response.headersSent) response.writeHead(error.status ?? 500)
      response.end(JSON.stringify({ error: error.message }))
    })
  })

  async function answer(request, response) {
    const path = decodeURIComponent(new URL(request.url, 'http://localhost').pathname).slice(1)
    if (!path.startsWith(`${scope}/`)) {
      if (request.method !== 'GET')
        throw refuse(405, `${request.method} of ${path}: only packages of ${scope} are taken`)
      response.writeHead(302, { location: new URL(request.url.slice(1), upstream).href }).end()
    } else if (request.method === 'PUT') {
      take(JSON.parse(await readBody(request)))
      send(response, 201, { ok: true })
    } else if (tarballs.has(path)) {
      response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(tarballs.get(path))
    } else if (packages.has(path)) send(response, 200, packages.get(path))
    else throw refuse(404, `there is no ${path}`)
  }

  /** A version is never taken twice. */
  function take({ name, versions, 'dist-tags': tags, _attachments: attachments }) {
    const known = packages.get(name) ?? { name, versions: {}, 'dist-tags': {}, time: {} }
    for (const [version, manifest] of Object.entries(versions)) {
      if (known.versions[version] !== undefined) throw refuse(403, `${name} ${version} is there already`)
      const file = `${name}/-/${name.split('/')[1]}-${version}.tgz`
      const [attachment] = Object.values(attachments)
      tarballs.set(file, Buffer.from(attachment.data, 'base64'))
      known.versions[version] = { ...manifest, dist: { ...manifest.dist, tarball: `${url}${file}` } }
      known.time[version] = new Date().toISOString()
    }
    packages.set(name, { ...known, 'dist-tags': { ...known['dist-tags'], ...tags } })
  }

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${server.address().port}/`
  return {
    url,
    /** Name → its versions. */
    published: () => new Map([...packages].map(([name, { versions }]) => [name, Object.keys(versions)])),
    close: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}

async function readBody(request) {
  const chunks = []
  let length = 0
  for await (const chunk of request) {
    length += chunk.length
    if (length > mostBytes) throw refuse(413, 'larger than any package of ours')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function send(response, status, value) {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
}

const refuse = (status, message) => Object.assign(new Error(message), { status })
