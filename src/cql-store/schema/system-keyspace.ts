import { unauthorized } from '../refusal.ts'

export function isSystemKeyspace(name: string): boolean {
  return /^system(_|$)/.test(name)
}

/** @throws CqlRefusal UNAUTHORIZED for a keyspace of the system's own */
export function refuseSystem(keyspace: string): void {
  if (isSystemKeyspace(keyspace)) throw unauthorized(`${keyspace} keyspace is not user-modifiable.`)
}
