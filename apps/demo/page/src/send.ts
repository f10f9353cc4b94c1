import type { Action } from '@heddle/demo/serve/protocol.js'

/** The longest that an action takes is to stop one scenario and to begin another. */
const actionMs = 10_000

/** Asks the server for something. Answers why it was not done, as a sentence; undefined: it was. */
export async function send(action: Action): Promise<string | undefined> {
  try {
    const response = await fetch('actions', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(action),
      signal: AbortSignal.timeout(actionMs),
    })
    return response.ok ? undefined : `Not done: ${await reasonOf(response)}`
  } catch (error) {
    return error instanceof DOMException && error.name === 'TimeoutError'
      ? `No answer within ${actionMs / 1_000} seconds: nobody knows whether it was done`
      : 'Not done: the server could not be reached'
  }
}

async function reasonOf(response: Response): Promise<string> {
  const { error } = (await response.json().catch(() => ({}))) as { readonly error?: unknown }
  return typeof error === 'string' ? error : `the server answered ${response.status}`
}
