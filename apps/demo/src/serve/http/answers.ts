import type { ServerResponse } from 'node:http'

/**
 * On every answer. Nothing of ours is loaded from elsewhere, put into a frame, remembered, or read by other pages; there is no
 * CORS header, so a script of another page may not even see whether there is a server.
 */
export const commonHeaders: Readonly<Record<string, string>> = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cache-Control': 'no-store',
}

/** Answers with all of it at once. */
export function answer(
  response: ServerResponse,
  status: number,
  body: string | Buffer | undefined,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, {
    ...commonHeaders,
    ...headers,
    ...(body !== undefined && { 'Content-Length': String(Buffer.byteLength(body)) }),
  })
  response.end(body)
}

/** Why something was not done, for the page and for people. */
export function answerError(
  response: ServerResponse,
  status: number,
  error: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  answer(response, status, JSON.stringify({ error }), { 'Content-Type': 'application/json', ...headers })
}
