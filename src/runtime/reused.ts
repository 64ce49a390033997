import { MillraceError } from '../platform/index.ts'

export interface Reused<T> {
  use<R>(action: (connection: T) => Promise<R>): Promise<R>
  close(): Promise<void>
}

interface Held<T> {
  readonly connection: Promise<T>
  users: number
  isDropped: boolean
}

/** CLOSED: it hung on another connection that was dropped, as the reader of the cursors does on the client. */
const isLost = (error: unknown): boolean => error instanceof MillraceError && (error.code === 'UNREACHABLE' || error.code === 'CLOSED')

/**
 * One connection, made at first use, and again when it was lost. What only a request failed at — an answer of the other side, a time that
 * was over — leaves it: it is no worse for the next one. One that is given up closes when nobody uses it any more.
 */
export function reused<T extends { close(): Promise<void> }>(connect: () => Promise<T>): Reused<T> {
  let current: Held<T> | null = null
  const release = async (held: Held<T>): Promise<void> => {
    if (!held.isDropped || held.users > 0) return
    await held.connection.then((connection) => connection.close()).catch(() => undefined)
  }
  const drop = (held: Held<T>): void => {
    held.isDropped = true
    if (current === held) current = null
  }
  return {
    use: async (action) => {
      const held = (current ??= { connection: connect(), users: 0, isDropped: false })
      held.users++
      let isConnected = false
      try {
        const connection = await held.connection
        isConnected = true
        return await action(connection)
      } catch (error) {
        if (!isConnected || isLost(error)) drop(held)
        throw error
      } finally {
        held.users--
        await release(held)
      }
    },
    close: async () => {
      const held = current
      if (held === null) return
      drop(held)
      await held.connection.then((connection) => connection.close()).catch(() => undefined)
    },
  }
}
