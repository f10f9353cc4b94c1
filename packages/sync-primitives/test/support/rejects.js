import { equal } from 'node:assert/strict'

async function failureOf(promise) {
  try {
    await promise
  } catch (error) {
    return error
  }
  throw new Error('the promise was not rejected')
}

export async function rejects(promise, code) {
  const error = await failureOf(promise)
  if (code !== undefined) equal(error?.code, code)
}

export async function rejectsWith(promise, reason) {
  equal(await failureOf(promise), reason)
}
