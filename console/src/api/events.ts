import { useEffect, useRef, useState } from 'react'

/** `live`: events come; `stale`: the connection dropped, what is shown may be old; `ended`: the server said all, or closed. */
export type Connection = 'connecting' | 'live' | 'stale' | 'ended'

type Handlers = Readonly<Record<string, (data: never) => void>>

/**
 * Server-sent events of a path below `/api/v1` while the component is there; null: none. The browser connects again by itself and names the
 * last event it had, so that nothing is missed. An event `end` or `done` closes it.
 */
export function useEvents(path: string | null, handlers: Handlers): Connection {
  const [connection, setConnection] = useState<Connection>('connecting')
  const current = useRef(handlers)
  current.current = handlers
  const names = Object.keys(handlers).join(' ')
  useEffect(() => {
    if (path === null) return setConnection('ended')
    setConnection('connecting')
    const source = new EventSource(`/api/v1${path}`)
    const end = (): void => {
      source.close()
      setConnection('ended')
    }
    source.addEventListener('open', () => setConnection('live'))
    source.addEventListener('error', () => setConnection(source.readyState === EventSource.CLOSED ? 'ended' : 'stale'))
    for (const name of names.split(' ')) {
      source.addEventListener(name, (event: MessageEvent<string>) => current.current[name]?.(JSON.parse(event.data) as never))
    }
    for (const last of ['end', 'done']) source.addEventListener(last, end)
    return () => source.close()
  }, [path, names])
  return connection
}
