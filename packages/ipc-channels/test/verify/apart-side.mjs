// argv: file, name, options. Runs that function, and says all the time that it is alive. See apart.mjs.
import { Peer } from './peers.mjs'

const [file, name, options] = process.argv.slice(2)
const send = (message) => new Promise((resolve) => process.send(message, resolve))

Peer.whenStarted = (pid) => void send({ started: pid })
Peer.whenEnded = (pid) => void send({ ended: pid })
Peer.whenReached = (reached) => void send({ reached })
process.on('disconnect', () => process.exit(1))
setInterval(() => void send({ isAlive: true }), 500)

const module = await import(new URL(file, import.meta.url).href)
const result = await module[name](JSON.parse(options)).catch((error) => ({ wrong: [error.stack] }))
await send({ result })
process.exit(0)
