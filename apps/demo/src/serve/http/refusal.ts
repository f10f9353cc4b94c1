/** A request that is not answered as it asked. */
export class Refusal extends Error {
  /** An HTTP status. */
  readonly status: number
  /** Headers of the answer beside those of every answer. */
  readonly headers: Readonly<Record<string, string>>

  constructor(status: number, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message)
    this.status = status
    this.headers = headers
  }

  static {
    Refusal.prototype.name = 'Refusal'
  }
}
