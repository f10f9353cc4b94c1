import { printable } from '../../printable.js'

/** A server as it may be shown: its address without user and password. */
export function hostOf(url: string): string {
  return printable(URL.canParse(url) ? new URL(url).host : '')
}
