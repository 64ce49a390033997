import { createHash, timingSafeEqual } from 'node:crypto'
import { credentialOfPassword, type ScramCredential, type ScramMechanism } from './scram.ts'
import type { ScramCredentials } from './scram-credentials.ts'

export interface Account {
  readonly username: string
  readonly password: string
}

/** Who may come in on a listener: the accounts it is given, by any mechanism, and by SCRAM whoever has credentials stored (KIP-554). */
export class Accounts {
  readonly #given: readonly Account[]
  readonly #stored: ScramCredentials
  readonly #derived = new Map<string, ScramCredential>()

  constructor(given: readonly Account[], stored: ScramCredentials) {
    this.#given = given
    this.#stored = stored
  }

  /** Compares in constant time, with every account. */
  hasPassword(username: string, password: string): boolean {
    let fits = false
    for (const account of this.#given) {
      const nameFits = sameText(username, account.username)
      const passwordFits = sameText(password, account.password)
      fits ||= nameFits && passwordFits
    }
    return fits
  }

  /** Stored credentials count before those of the given accounts. */
  scram(mechanism: ScramMechanism, username: string): ScramCredential | null {
    const stored = this.#stored.find(username, mechanism)
    const account = this.#given.find((each) => each.username === username)
    if (stored || !account) return stored
    const key = `${mechanism} ${username}`
    const credential = this.#derived.get(key) ?? credentialOfPassword(mechanism, account.password)
    this.#derived.set(key, credential)
    return credential
  }
}

/** Hashes first, so that neither content nor length shows in the time. */
function sameText(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(a), digest(b))
}
