import type { IncomingMessage } from 'node:http'
import type { Action } from '../protocol.js'
import { Refusal } from './refusal.js'

const mostBytes = 1_024

/** Reads what the page asks for. @throws Refusal: it is too long, no JSON, or not an action */
export async function readAction(request: IncomingMessage): Promise<Action> {
  return actionOf(parse(await readAll(request)))
}

/** @throws Refusal: more than so many bytes; the rest is not kept */
function readAll(request: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = []
    let bytes = 0
    request.on('data', (piece: Buffer) => {
      bytes += piece.length
      if (bytes <= mostBytes) pieces.push(piece)
      else reject(new Refusal(413, `an action takes ${mostBytes} bytes at most`, { Connection: 'close' }))
    })
    request.once('end', () => resolve(Buffer.concat(pieces).toString('utf8')))
    request.once('close', () => reject(new Refusal(400, 'the request has ended too early')))
    request.once('error', reject)
  })
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    throw new Refusal(400, 'an action is JSON')
  }
}

function actionOf(value: unknown): Action {
  if (typeof value === 'object' && value !== null) {
    const { do: what, scenario, pace, lane } = value as Record<string, unknown>
    if (what === 'start' && typeof scenario === 'string') return { do: what, scenario }
    if (what === 'stop') return { do: what }
    if (what === 'pace' && typeof pace === 'number' && pace >= 1 && pace <= 20) return { do: what, pace }
    if (what === 'kill' && Number.isSafeInteger(lane)) return { do: what, lane: lane as number }
  }
  throw new Refusal(400, 'this is not an action')
}
