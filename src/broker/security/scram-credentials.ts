import { MillraceError, type Disk } from '../../platform/index.ts'
import { maxIterations, minIterations, scramMechanisms, type ScramCredential, type ScramMechanism } from './scram.ts'

type OfUser = ReadonlyMap<ScramMechanism, ScramCredential>

export type ScramChange =
  | { readonly username: string; readonly mechanism: ScramMechanism; readonly credential: ScramCredential }
  | { readonly username: string; readonly mechanism: ScramMechanism; readonly credential: null }

/** Of the data folder; readable by its owner alone, and without the passwords. */
const fileName = 'scram-credentials.json'
const ownerOnly = 0o600

/** The users' SCRAM credentials (KIP-554), salted, on the disk before they count. */
export class ScramCredentials {
  readonly #disk: Disk
  readonly #path: string
  #users: ReadonlyMap<string, OfUser>

  /** @throws MillraceError DATA_CORRUPT */
  constructor(disk: Disk, dataDir: string) {
    this.#disk = disk
    this.#path = `${dataDir}/${fileName}`
    this.#users = disk.exists(this.#path) ? parse(this.#path, disk.readFile(this.#path)) : new Map()
  }

  get users(): readonly string[] {
    return [...this.#users.keys()]
  }

  of(username: string): OfUser | null {
    return this.#users.get(username) ?? null
  }

  find(username: string, mechanism: ScramMechanism): ScramCredential | null {
    return this.#users.get(username)?.get(mechanism) ?? null
  }

  /** All of them, or none. @throws MillraceError DISK_FULL, DISK_FAILED */
  change(changes: readonly ScramChange[]): void {
    const users = new Map([...this.#users].map(([username, own]) => [username, new Map(own)]))
    for (const { username, mechanism, credential } of changes) {
      const own = users.get(username) ?? new Map<ScramMechanism, ScramCredential>()
      if (credential) own.set(mechanism, credential)
      else own.delete(mechanism)
      if (own.size > 0) users.set(username, own)
      else users.delete(username)
    }
    const entries = [...users].flatMap(([username, own]) =>
      [...own].map(([mechanism, { salt, iterations, storedKey, serverKey }]) => ({
        username,
        mechanism,
        iterations,
        salt: salt.toString('base64'),
        storedKey: storedKey.toString('base64'),
        serverKey: serverKey.toString('base64'),
      })),
    )
    this.#disk.replaceFile(this.#path, JSON.stringify(entries, null, 2) + '\n', ownerOnly)
    this.#users = users
  }
}

function parse(path: string, bytes: Uint8Array): Map<string, Map<ScramMechanism, ScramCredential>> {
  const users = new Map<string, Map<ScramMechanism, ScramCredential>>()
  for (const entry of entriesOf(path, bytes)) {
    const found = readEntry(entry)
    if (!found) throw damaged(path)
    users.set(found.username, (users.get(found.username) ?? new Map()).set(found.mechanism, found.credential))
  }
  return users
}

function entriesOf(path: string, bytes: Uint8Array): readonly unknown[] {
  try {
    const found: unknown = JSON.parse(new TextDecoder().decode(bytes))
    if (Array.isArray(found)) return found
  } catch {
    // What the text is must not come into an error (P8).
  }
  throw damaged(path)
}

function readEntry(entry: unknown): { username: string; mechanism: ScramMechanism; credential: ScramCredential } | null {
  if (typeof entry !== 'object' || entry === null) return null
  const { username, mechanism: name, iterations, salt, storedKey, serverKey } = { ...noEntry, ...entry }
  const mechanism = scramMechanisms.find((known) => known === name)
  if (typeof username !== 'string' || !mechanism || typeof iterations !== 'number') return null
  if (iterations < minIterations || iterations > maxIterations) return null
  if (typeof salt !== 'string' || typeof storedKey !== 'string' || typeof serverKey !== 'string') return null
  const bytes = (text: string): Buffer => Buffer.from(text, 'base64')
  return { username, mechanism, credential: { iterations, salt: bytes(salt), storedKey: bytes(storedKey), serverKey: bytes(serverKey) } }
}

const noEntry: Record<string, unknown> = {}

function damaged(path: string): MillraceError {
  return new MillraceError('DATA_CORRUPT', `${path} is damaged: restore it from a copy, or remove it and set the users' passwords again.`)
}
