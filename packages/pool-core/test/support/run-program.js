import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export function runProgram(url, ...args) {
  return new Promise((resolve) => {
    const options = { timeout: 25_000, maxBuffer: 2 ** 26 }
    execFile(process.execPath, [fileURLToPath(url), ...args], options, (error, stdout, stderr) => {
      resolve({ code: error ? (error.code ?? error.signal ?? null) : 0, lines: stdout.trim().split('\n'), stderr })
    })
  })
}
