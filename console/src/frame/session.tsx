import { useQuery } from '@tanstack/react-query'
import { createContext, useContext, type ReactNode } from 'react'
import { ApiError, whoAmI } from '../api/client.ts'
import type { Me, Role } from '../api/types.ts'

const order: readonly Role[] = ['viewer', 'operator', 'admin']
const SessionContext = createContext<Me | null>(null)

/** Who is signed in, to what is inside; `signIn` to who is not. */
export function SessionProvider({
  children,
  signIn,
  away,
}: {
  children: ReactNode
  signIn: ReactNode
  away: (error: Error) => ReactNode
}): ReactNode {
  const { data, error, isPending } = useQuery({ queryKey: ['me'], queryFn: whoAmI, retry: false, staleTime: Infinity })
  if (isPending) return null
  if (error instanceof ApiError && error.status === 401) return signIn
  // Who is signed in stays so while Millrace is away: the frame says that what it shows is stale.
  if (data === undefined) return away(error ?? new Error('Millrace does not say who is signed in.'))
  return <SessionContext.Provider value={data}>{children}</SessionContext.Provider>
}

export function useMe(): Me {
  const me = useContext(SessionContext)
  if (me === null) throw new Error('This part of the console is for who is signed in.')
  return me
}

/** Whether the signed-in user may look at what needs this role. */
export function useMaySee(role: Role): boolean {
  return order.indexOf(useMe().role) >= order.indexOf(role)
}

/** Whether the signed-in user may change what needs this role, here. */
export function useMay(role: Role): boolean {
  const maySee = useMaySee(role)
  return !useMe().console.readOnly && maySee
}
