import { useEffect, useRef, useState } from 'react'
import { apiPath } from './base-path.ts'

/** `live`: events come; `stale`: the connection dropped, what is shown may be old; `ended`: the server said all, or closed. */
export type Connection = 'connecting' | 'live' | 'stale' | 'ended'

type Handlers = Readonly<Record<string, (data: never) => void>>

interface EventsOptions {
  /** What never ends is asked for again when it was refused, as it is while Millrace starts. */
  readonly isEndless?: boolean
  /** It was stale, and is live again. */
  readonly onLiveAgain?: () => void
}

const againMs = 1_500

/**
 * Server-sent events of a path below `/api/v1` while the component is there; null: none. The browser connects again by itself and names the
 * last event it had, so that nothing is missed. An event `end` or `done` closes it.
 */
export function useEvents(path: string | null, handlers: Handlers, { isEndless = false, onLiveAgain }: EventsOptions = {}): Connection {
  const [connection, setConnection] = useState<Connection>('connecting')
  const current = useRef({ handlers, onLiveAgain })
  current.current = { handlers, onLiveAgain }
  const names = Object.keys(handlers).join(' ')
  useEffect(() => {
    if (path === null) return setConnection('ended')
    let wasStale = false
    let timer: ReturnType<typeof setTimeout> | undefined
    let source: EventSource
    const end = (): void => {
      source.close()
      setConnection('ended')
    }
    const open = (): void => {
      source = new EventSource(`${apiPath}${path}`)
      source.addEventListener('open', () => {
        setConnection('live')
        if (wasStale) current.current.onLiveAgain?.()
        wasStale = false
      })
      source.addEventListener('error', () => {
        const isClosed = source.readyState === EventSource.CLOSED
        if (isClosed && !isEndless) return setConnection('ended')
        wasStale = true
        setConnection('stale')
        if (isClosed) timer = setTimeout(open, againMs)
      })
      for (const name of names.split(' ')) {
        source.addEventListener(name, (event: MessageEvent<string>) => current.current.handlers[name]?.(JSON.parse(event.data) as never))
      }
      for (const last of ['end', 'done']) source.addEventListener(last, end)
    }
    setConnection('connecting')
    open()
    return () => {
      clearTimeout(timer)
      source.close()
    }
  }, [path, names, isEndless])
  return connection
}
