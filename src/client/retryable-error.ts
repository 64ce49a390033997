/** What a handler throws that is worth another try: the other side is away for a while, say. */
export class RetryableError extends Error {
  readonly retriable = true

  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'RetryableError'
  }
}
