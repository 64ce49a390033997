import { createHash, randomBytes } from 'node:crypto'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { MillraceError, systemDisk } from '../../platform/index.ts'
import type { PasswordHash } from './passwords.ts'
import { roles, type Role } from './roles.ts'

const role = z.enum(roles)
const userSchema = z.strictObject({ name: z.string(), role, hash: z.string(), createdAt: z.string() })
const tokenSchema = z.strictObject({ id: z.string(), name: z.string(), role, digest: z.string(), createdAt: z.string() })
const sessionSchema = z.strictObject({
  digest: z.string(),
  user: z.string(),
  csrf: z.string(),
  createdMs: z.number(),
  expiresMs: z.number(),
})
const fileSchema = z.strictObject({
  version: z.literal(1),
  users: z.array(userSchema),
  tokens: z.array(tokenSchema),
  sessions: z.array(sessionSchema),
})

export type User = z.infer<typeof userSchema>
export type ApiToken = z.infer<typeof tokenSchema>
export type Session = z.infer<typeof sessionSchema>

/** Digest under which a random secret of at least 128 bits is kept: the file alone opens nothing (P8). */
export function digestOf(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url')
}

export function randomSecret(): string {
  return randomBytes(32).toString('base64url')
}

/**
 * Users, API tokens and sessions in `access.json` of the data folder (mode 0600): hashes and digests only. Small and rarely
 * written, so each change replaces the file.
 */
export class AccessStore {
  readonly #file: string
  readonly #passwordFile: string
  #content: z.infer<typeof fileSchema>

  /** @throws MillraceError DATA_CORRUPT */
  constructor(dataDir: string) {
    this.#file = join(dataDir, 'access.json')
    this.#passwordFile = join(dataDir, 'admin-password')
    this.#content = this.#read()
  }

  get users(): readonly User[] {
    return this.#content.users
  }

  get tokens(): readonly ApiToken[] {
    return this.#content.tokens
  }

  /** Where the password of the first start stands, until it is changed. */
  get passwordFile(): string {
    return this.#passwordFile
  }

  user(name: string): User | null {
    return this.#content.users.find((user) => user.name === name) ?? null
  }

  token(secret: string): ApiToken | null {
    const digest = digestOf(secret)
    return this.#content.tokens.find((token) => token.digest === digest) ?? null
  }

  session(secret: string, nowMs: number): Session | null {
    const digest = digestOf(secret)
    return this.#content.sessions.find((session) => session.digest === digest && session.expiresMs > nowMs) ?? null
  }

  addUser(name: string, role: Role, hash: PasswordHash, nowMs: number): void {
    if (this.user(name) !== null) throw new MillraceError('ALREADY_EXISTS', `There is a user ${name} already.`)
    this.#change({ users: [...this.#content.users, { name, role, hash, createdAt: new Date(nowMs).toISOString() }] })
  }

  /** A changed password or role ends the user's sessions. */
  changeUser(name: string, change: { role?: Role; hash?: PasswordHash }): void {
    const users = this.#content.users.map((user) => (user.name === name ? { ...user, ...change } : user))
    this.#keepAnAdmin(users)
    this.#change({ users, sessions: this.#content.sessions.filter((session) => session.user !== name) })
    if (name === 'admin' && change.hash !== undefined) rmSync(this.#passwordFile, { force: true })
  }

  removeUser(name: string): void {
    const users = this.#content.users.filter((user) => user.name !== name)
    this.#keepAnAdmin(users)
    this.#change({ users, sessions: this.#content.sessions.filter((session) => session.user !== name) })
    if (name === 'admin') rmSync(this.#passwordFile, { force: true })
  }

  addSession(session: Session, nowMs: number): void {
    const alive = this.#content.sessions.filter((each) => each.expiresMs > nowMs)
    this.#change({ sessions: [...alive.slice(-999), session] })
  }

  removeSession(digest: string): void {
    this.#change({ sessions: this.#content.sessions.filter((session) => session.digest !== digest) })
  }

  addToken(name: string, role: Role, nowMs: number): { token: ApiToken; secret: string } {
    const secret = `mr_${randomSecret()}`
    const token: ApiToken = {
      id: randomBytes(6).toString('hex'),
      name,
      role,
      digest: digestOf(secret),
      createdAt: new Date(nowMs).toISOString(),
    }
    this.#change({ tokens: [...this.#content.tokens, token] })
    return { token, secret }
  }

  removeToken(id: string): void {
    this.#change({ tokens: this.#content.tokens.filter((token) => token.id !== id) })
  }

  /** The password of the first start, readable by the owner of the folder alone. */
  writeFirstPassword(password: string): void {
    systemDisk.replaceFile(this.#passwordFile, `${password}\n`, 0o600)
  }

  #keepAnAdmin(users: readonly User[]): void {
    if (!users.some((user) => user.role === 'admin'))
      throw new MillraceError('BAD_REQUEST', 'One admin has to stay: make another user an admin first.')
  }

  #change(change: Partial<z.infer<typeof fileSchema>>): void {
    this.#content = { ...this.#content, ...change }
    systemDisk.replaceFile(this.#file, JSON.stringify(this.#content) + '\n', 0o600)
  }

  #read(): z.infer<typeof fileSchema> {
    if (!existsSync(this.#file)) return { version: 1, users: [], tokens: [], sessions: [] }
    try {
      return fileSchema.parse(JSON.parse(readFileSync(this.#file, 'utf8')))
    } catch (error) {
      throw new MillraceError(
        'DATA_CORRUPT',
        `${this.#file} cannot be read: remove it and start again; a new admin password is made then, users and tokens have to be added again.`,
        { cause: error },
      )
    }
  }
}
