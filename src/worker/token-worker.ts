import type { FromTokens, ToTokens } from '../core/index.ts'
import { asMillraceError } from '../platform/index.ts'
import { openChannel } from './channel.ts'
import { callTokenFunction } from './token-function.ts'

/** Calls the author's token function for processes that run no user code; they keep the tokens, this one keeps nothing. */
export async function serveTokens(): Promise<void> {
  const channel = openChannel<ToTokens, FromTokens>()
  channel.onMessage(({ id, fn }) => {
    void callTokenFunction(fn).then(
      (token) => channel.send({ is: 'token', id, token }),
      (error: unknown) => channel.send({ is: 'failed', id, error: asMillraceError(error).toJSON() }),
    )
  })
  await channel.send({ is: 'ready' })
}
