/** viewer: reads, personal fields masked; operator: triggers, replays, pauses, resets; admin: configuration, users, deletes. */
export const roles = ['viewer', 'operator', 'admin'] as const
export type Role = (typeof roles)[number]

/** Who asks. `socket` is the user who started Millrace, by the socket that nobody else can open. */
export interface Principal {
  readonly name: string
  readonly role: Role
  readonly via: 'socket' | 'session' | 'token'
}

export function mayDo(principal: Principal, role: Role): boolean {
  return roles.indexOf(principal.role) >= roles.indexOf(role)
}
