/** The pipe to the supervisor, typed. `send` resolves when the message has left; a broken pipe ends the process elsewhere. */
export interface Channel<In, Out> {
  send(message: Out): Promise<void>
  onMessage(handler: (message: In) => void): void
}

export function openChannel<In, Out>(): Channel<In, Out> {
  return {
    send: (message) =>
      new Promise((resolve) => {
        if (process.send === undefined) return resolve()
        process.send(message, undefined, undefined, () => resolve())
      }),
    onMessage: (handler) => {
      process.on('message', (message) => handler(message as In))
    },
  }
}
