import { useQueryClient } from '@tanstack/react-query'
import { createContext, useContext, useMemo, useState, type ReactNode } from 'react'
import { useEvents, type Connection } from './events.ts'
import type { Run, Status } from './types.ts'

interface Live {
  /** Null until the first has come. */
  readonly status: Status | null
  readonly runs: readonly Run[]
  readonly connection: Connection
}

const LiveContext = createContext<Live>({ status: null, runs: [], connection: 'connecting' })

/** One stream of events for the whole console. */
export function LiveProvider({ children }: { children: ReactNode }): ReactNode {
  const [status, setStatus] = useState<Status | null>(null)
  const [runs, setRuns] = useState<readonly Run[]>([])
  const queries = useQueryClient()
  const connection = useEvents(
    '/events',
    {
      status: setStatus,
      runs: (now: readonly Run[]) => {
        setRuns(now)
        // What was asked for once is asked for again: a run changed it.
        void queries.invalidateQueries({ queryKey: ['dags'] })
        void queries.invalidateQueries({ queryKey: ['run'] })
      },
    },
    // All that is shown may be of before; who is signed in too, and the token of changes with it.
    { isEndless: true, onLiveAgain: () => void queries.invalidateQueries() },
  )
  const live = useMemo(() => ({ status, runs, connection }), [status, runs, connection])
  return <LiveContext.Provider value={live}>{children}</LiveContext.Provider>
}

export function useLive(): Live {
  return useContext(LiveContext)
}
