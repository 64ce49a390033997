import { randomBytes } from 'node:crypto'
import { MillraceError, type Clock } from '../../platform/index.ts'
import { AccessStore, digestOf, randomSecret, type ApiToken } from './access-store.ts'
import { Attempts } from './attempts.ts'
import { createPasswords, shortestPassword } from './passwords.ts'
import type { Principal, Role } from './roles.ts'

/** A session lasts a week; a link an hour, and once. */
export const sessionMs = 7 * 86_400_000
const linkMs = 3_600_000
const mostLinks = 100

export interface SignedIn {
  /** Goes into the cookie. */
  readonly secret: string
  readonly principal: Principal
}

/** Who may come in: users by password or one-time link, machines by token; sessions. */
export class Access {
  readonly #store: AccessStore
  readonly #clock: Clock
  readonly #passwords = createPasswords()
  readonly #attempts: Attempts
  /** Digest of a link's token → when it ends. */
  readonly #links = new Map<string, number>()

  private constructor(store: AccessStore, clock: Clock) {
    this.#store = store
    this.#clock = clock
    this.#attempts = new Attempts(clock)
  }

  /** Makes the first user, `admin`, with a random password when there is none. Throws DATA_CORRUPT. */
  static async open(dataDir: string, clock: Clock): Promise<Access> {
    const access = new Access(new AccessStore(dataDir), clock)
    if (access.#store.users.length === 0) await access.#makeAdmin()
    return access
  }

  get store(): AccessStore {
    return this.#store
  }

  async #makeAdmin(): Promise<void> {
    const password = randomBytes(15).toString('base64url')
    this.#store.writeFirstPassword(password)
    this.#store.addUser('admin', 'admin', await this.#passwords.hash(password), this.#clock.nowMs())
  }

  /** A token that signs the first admin in, once, within the hour. */
  makeLinkToken(): string {
    const token = randomSecret()
    const nowMs = this.#clock.monotonicMs()
    for (const [digest, endMs] of this.#links) if (endMs < nowMs) this.#links.delete(digest)
    const [oldest] = this.#links.keys()
    if (this.#links.size >= mostLinks && oldest !== undefined) this.#links.delete(oldest)
    this.#links.set(digestOf(token), nowMs + linkMs)
    return token
  }

  signInByLink(token: string): SignedIn {
    const digest = digestOf(token)
    const endMs = this.#links.get(digest)
    this.#links.delete(digest)
    const admin = this.#store.users.find((user) => user.role === 'admin')
    if (endMs === undefined || endMs < this.#clock.monotonicMs() || admin === undefined)
      throw new MillraceError('AUTHENTICATION_FAILED', 'This link was used already or has ended: "millrace open" makes a new one.')
    return this.#signIn(admin.name, admin.role)
  }

  /** Guesses are limited by user and by address: TRY_LATER says how long. */
  async signIn(name: string, password: string, address: string): Promise<SignedIn> {
    const limited = [`user ${name}`, `address ${address}`]
    const waitMs = Math.max(...limited.map((each) => this.#attempts.waitMs(each)))
    if (waitMs > 0) throw tooMany(waitMs)
    // Counted before it is known, so that guesses sent at once are limited too.
    for (const each of limited) this.#attempts.failed(each)
    const user = this.#store.user(name)
    if (!(await this.#passwords.matches(password, user?.hash ?? null)) || user === null)
      throw this.#failed(limited, 'User or password is wrong.')
    // Removed, or with another password or role, while this one was checked: those sessions have ended.
    if (this.#store.user(name) !== user) throw this.#failed(limited, 'User or password is wrong.')
    for (const each of limited) this.#attempts.succeeded(each)
    return this.#signIn(user.name, user.role)
  }

  /** The wait begins with the answer. */
  #failed(limited: readonly string[], message: string): MillraceError {
    for (const each of limited) this.#attempts.answered(each)
    return new MillraceError('AUTHENTICATION_FAILED', message)
  }

  #signIn(user: string, role: Role): SignedIn {
    const secret = randomSecret()
    const nowMs = this.#clock.nowMs()
    this.#store.addSession({ digest: digestOf(secret), user, csrf: randomSecret(), createdMs: nowMs, expiresMs: nowMs + sessionMs }, nowMs)
    return { secret, principal: { name: user, role, via: 'session' } }
  }

  /** Null: nobody we know. */
  bySession(secret: string): { principal: Principal; csrf: string } | null {
    const session = this.#store.session(secret, this.#clock.nowMs())
    const user = session && this.#store.user(session.user)
    return session && user && { principal: { name: user.name, role: user.role, via: 'session' }, csrf: session.csrf }
  }

  /** Null: nobody we know. */
  byToken(secret: string): Principal | null {
    const token = this.#store.token(secret)
    return token && { name: `token ${token.name}`, role: token.role, via: 'token' }
  }

  signOut(secret: string): void {
    this.#store.removeSession(digestOf(secret))
  }

  async addUser(name: string, role: Role, password: string): Promise<void> {
    checkPassword(password)
    this.#store.addUser(name, role, await this.#passwords.hash(password), this.#clock.nowMs())
  }

  async changePassword(name: string, current: string, next: string): Promise<void> {
    const user = this.#store.user(name)
    const limited = `password of ${name}`
    const waitMs = this.#attempts.waitMs(limited)
    if (waitMs > 0) throw tooMany(waitMs)
    this.#attempts.failed(limited)
    const isRight = await this.#passwords.matches(current, user?.hash ?? null)
    // Removed, or with another password or role, while this one was checked.
    if (user === null || !isRight || this.#store.user(name) !== user) throw this.#failed([limited], 'The current password is wrong.')
    this.#attempts.succeeded(limited)
    await this.changeUser(name, { password: next })
  }

  /** Role, password or both at once: nothing is changed when one of them is refused. NOT_FOUND, BAD_REQUEST. */
  async changeUser(name: string, { role, password }: { role?: Role | undefined; password?: string | undefined }): Promise<void> {
    if (password !== undefined) checkPassword(password)
    const hash = password === undefined ? null : await this.#passwords.hash(password)
    if (this.#store.user(name) === null) throw new MillraceError('NOT_FOUND', `There is no user ${name}.`)
    this.#store.changeUser(name, { ...(role === undefined ? {} : { role }), ...(hash === null ? {} : { hash }) })
  }

  addToken(name: string, role: Role): { token: ApiToken; secret: string } {
    return this.#store.addToken(name, role, this.#clock.nowMs())
  }

  close(): Promise<void> {
    return this.#passwords.close()
  }
}

function checkPassword(password: string): void {
  if (password.length < shortestPassword) throw new MillraceError('BAD_REQUEST', `A password has at least ${shortestPassword} characters.`)
}

function tooMany(waitMs: number): MillraceError {
  const seconds = Math.ceil(waitMs / 1_000)
  return new MillraceError('TOO_MANY_ATTEMPTS', `Too many wrong attempts: try again in ${seconds} s.`, {
    details: { retryAfterSeconds: seconds },
  })
}
