import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { basename } from 'node:path'
import { root } from './root.mjs'

const windows = process.platform === 'win32'
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
const parentCheckMs = 500

// Set once this process was asked to stop.
let stopped

/**
 * The exit code for having been asked to stop by a signal, undefined as long as nobody asked. Commands that would have
 * come next are then not started any more.
 */
export const stopRequested = () => stopped

/** The exit code by which a shell tells that a signal ended a command. */
export const exitCodeOf = (signal) => 128 + (constants.signals[signal] ?? 0)

/**
 * Runs a command to its end with inherited stdio and resolves with its exit code (128 + n when signal n ended it, 127
 * when it cannot be started). This process outlives the command when a signal comes, so that nothing is left behind.
 * With `quietly`, what the command prints is shown, on stderr, only when it fails.
 */
export function run(command, args, { cwd = root, stdoutToStderr = false, quietly = false } = {}) {
  if (stopped !== undefined) return Promise.resolve(stopped)
  return new Promise((resolve) => {
    const isOurs = /^node(\.exe)?$/.test(basename(command))
    const stdio = quietly ? ['inherit', 'pipe', 'pipe'] : ['inherit', stdoutToStderr ? 2 : 'inherit', 'inherit']
    const child = start(command, args, isOurs, { cwd, stdio })
    const printed = []
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => printed.push(chunk))
    const stop = (signal) => {
      stopped = exitCodeOf(signal)
      // The terminal gives Ctrl-C to the command as well, and our apps take a second one for "now, at once".
      if (signal === 'SIGINT' && (process.stdin.isTTY || windows)) return
      // Our own programs know each signal. turbo stops its tasks on SIGTERM only.
      child.kill(isOurs ? signal : 'SIGTERM')
    }
    const stopWatching = watchParent(stop)
    const settle = (code) => {
      for (const signal of signals) process.off(signal, stop)
      stopWatching()
      if (code !== 0 && stopped === undefined) process.stderr.write(Buffer.concat(printed))
      resolve(code)
    }
    for (const signal of signals) process.on(signal, stop)
    child.once('error', (error) => {
      console.error(`cannot start ${command}: ${error.message}`)
      settle(127)
    })
    child.once('close', (code, signal) => settle(code ?? exitCodeOf(signal)))
  })
}

/** npm ends at once on SIGTERM and does not hand it on: under npm, losing the parent counts as SIGTERM. */
function watchParent(stop) {
  if (windows || !('npm_lifecycle_event' in process.env)) return () => {}
  const parent = process.ppid
  const timer = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(timer)
    stop('SIGTERM')
  }, parentCheckMs)
  timer.unref()
  return () => clearInterval(timer)
}

function start(command, args, isOurs, options) {
  if (!windows || isOurs) return spawn(command, args, options)
  // npm, pnpm and turbo are .cmd files there, which only the shell can start; it takes one line of text.
  return spawn([command, ...args].map(quote).join(' '), { ...options, shell: true })
}

function quote(text) {
  return /^[\w@.:\\/=,+-]+$/.test(text) ? text : `"${text.replaceAll('"', '""')}"`
}
