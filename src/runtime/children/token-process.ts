import { createOauthTokens, type OauthTokens } from '../../connectors/index.ts'
import type { FromTokens, FunctionRef, OauthToken, ToTokens } from '../../core/index.ts'
import { MillraceError, type Clock } from '../../platform/index.ts'
import { describeExit, spawnChild, type Child } from './child.ts'

/**
 * OAUTHBEARER tokens for a process that runs no user code: a child calls the author's function. It is started with the first call
 * and kept warm; one that dies is started again with the next call.
 */
export interface TokenProcess {
  readonly tokens: OauthTokens
  close(): Promise<void>
}

export interface TokenProcessOptions {
  owner: string
  /** What the author's function prints. */
  onLine: (line: string) => void
  onSpawn?: (pid: number) => void
  onExit?: (pid: number) => void
  clock?: Clock
}

interface Waiting {
  resolve: (token: OauthToken) => void
  reject: (error: MillraceError) => void
}

/** A call that the child has not answered in this time: user code holds the process. */
const silenceLimitMs = 30_000

export function createTokenProcess(options: TokenProcessOptions): TokenProcess {
  let running: { child: Child<ToTokens>; waiting: Map<number, Waiting>; ready: Promise<void> } | null = null
  let lastId = 0
  let isClosed = false

  const start = (): NonNullable<typeof running> => {
    const waiting = new Map<number, Waiting>()
    const ready = Promise.withResolvers<void>()
    const child = spawnChild<ToTokens, FromTokens>({
      role: 'tokens',
      owner: options.owner,
      onLine: options.onLine,
      onMessage: (message) => {
        if (message.is === 'ready') return ready.resolve()
        const caller = waiting.get(message.id)
        waiting.delete(message.id)
        if (message.is === 'token') caller?.resolve(message.token)
        else caller?.reject(MillraceError.fromJSON(message.error))
      },
    })
    options.onSpawn?.(child.pid)
    const started = { child, waiting, ready: ready.promise }
    void child.exited.then((exit) => {
      options.onExit?.(child.pid)
      if (running === started) running = null
      ready.resolve()
      for (const { reject } of waiting.values()) reject(ended(describeExit(exit)))
    })
    return started
  }

  const call = async (fn: FunctionRef): Promise<OauthToken> => {
    if (isClosed) throw new MillraceError('CLOSED', 'The process that gives tokens was closed.')
    const { child, waiting, ready } = (running ??= start())
    const answer = Promise.withResolvers<OauthToken>()
    const id = ++lastId
    waiting.set(id, answer)
    const timer = setTimeout(() => child.kill(), silenceLimitMs).unref()
    try {
      await ready
      child.send({ is: 'token', id, fn })
      return await answer.promise
    } finally {
      clearTimeout(timer)
      waiting.delete(id)
    }
  }

  return {
    tokens: createOauthTokens(call, options.clock),
    close: async () => {
      isClosed = true
      const last = running
      last?.child.kill()
      await last?.child.exited
    },
  }
}

function ended(how: string): MillraceError {
  return new MillraceError('AUTHENTICATION_FAILED', `kafka.sasl.token of millrace.config.ts failed: its process was ended (${how}).`, {
    retriable: true,
  })
}
