// The program that Deno and Bun run: program.mjs <job as JSON>. Each event is one line on stdout.
import process from 'node:process'
import { runCases, startThread } from './threads.mjs'

await runCases(JSON.parse(process.argv[2]), startThread, (event) => console.log(`event ${JSON.stringify(event)}`))
process.exit(0)
