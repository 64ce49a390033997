import { createHmac, randomBytes, scryptSync, timingSafeEqual } from 'node:crypto'
import { join } from 'node:path'
import { errors } from '../../cql-wire/index.ts'
import { MillraceError, type Disk } from '../../platform/index.ts'
import { CqlRefusal } from '../refusal.ts'

export interface Credentials {
  username: string
  password: string
}

/** What is kept of a user: no password can be read from it (P8). */
interface SaltedHash {
  username: string
  /** Base64, as `hash`. */
  salt: string
  hash: string
}

/** Of scrypt: a guess costs about 3 ms. It runs on the store's own thread: libuv's pool is for the commit log's fsync. */
const cost = { N: 1024, r: 8, p: 1 }
const hashBytes = 32

const badCredentials = (message: string): CqlRefusal => new CqlRefusal(errors.BAD_CREDENTIALS, message)

/** Cassandra's PasswordAuthenticator for one user, of whom the data folder has a salted hash. */
export class PasswordAuthenticator {
  readonly className = 'org.apache.cassandra.auth.PasswordAuthenticator'
  readonly #user: SaltedHash
  /** Of this process alone: what has proved right once is known again without the cost of scrypt. */
  readonly #key = randomBytes(32)
  #known: Buffer | null = null

  private constructor(user: SaltedHash) {
    this.#user = user
  }

  /**
   * With credentials: those count from now on. Without: those the folder has; null where it has none, and nobody is asked then.
   * @throws MillraceError DATA_CORRUPT, CONFIG_INVALID for a name or password that is empty
   */
  static open(disk: Disk, dataDir: string, credentials: Credentials | null): PasswordAuthenticator | null {
    const file = join(dataDir, 'user.json')
    const stored = disk.exists(file) ? parseStored(Buffer.from(disk.readFile(file)).toString('utf8'), file) : null
    if (!credentials) return stored && new PasswordAuthenticator(stored)
    if (credentials.username === '' || credentials.password === '' || `${credentials.username}${credentials.password}`.includes('\0'))
      throw new MillraceError('CONFIG_INVALID', 'The table store needs a user name and a password that are not empty, without zero bytes.')
    if (stored && matches(stored, credentials)) return new PasswordAuthenticator(stored)
    const salt = randomBytes(16)
    const user = {
      username: credentials.username,
      salt: salt.toString('base64'),
      hash: hashOf(credentials.password, salt).toString('base64'),
    }
    disk.replaceFile(file, `${JSON.stringify(user)}\n`, 0o600)
    return new PasswordAuthenticator(user)
  }

  /**
   * SASL PLAIN (RFC 4616): `[authorisation] 00 user 00 password`.
   * @throws CqlRefusal BAD_CREDENTIALS in Cassandra's words, which say nothing of what was wrong
   */
  check(token: Uint8Array | null): void {
    const credentials = credentialsOf(token)
    const proof = createHmac('sha256', this.#key).update(`${credentials.username}\0${credentials.password}`).digest()
    if (this.#known && timingSafeEqual(this.#known, proof)) return
    if (!matches(this.#user, credentials)) throw badCredentials(`Provided username ${credentials.username} and/or password are incorrect`)
    this.#known = proof
  }
}

/** As long for a wrong name as for a wrong password. */
function matches({ username, salt, hash }: SaltedHash, given: Credentials): boolean {
  const isPassword = timingSafeEqual(hashOf(given.password, Buffer.from(salt, 'base64')), Buffer.from(hash, 'base64'))
  return isPassword && given.username === username
}

function hashOf(password: string, salt: Buffer): Buffer {
  return scryptSync(password, salt, hashBytes, cost)
}

/** In Cassandra's words (`PasswordAuthenticator.decodeCredentials`). */
function credentialsOf(token: Uint8Array | null): Credentials {
  const [, username = '', password, ...more] = Buffer.from(token ?? [])
    .toString('utf8')
    .split('\0')
  if (password === undefined || password === '') throw badCredentials('Password must not be null')
  if (username === '') throw badCredentials('Authentication ID must not be null')
  if (more.length > 0) throw badCredentials('Credential format error: username or password is empty or contains NUL(\\0) character')
  return { username, password }
}

function parseStored(text: string, file: string): SaltedHash {
  try {
    const content: unknown = JSON.parse(text)
    if (typeof content === 'object' && content !== null && 'username' in content && 'salt' in content && 'hash' in content) {
      const { username, salt, hash } = content
      if (
        typeof username === 'string' &&
        typeof salt === 'string' &&
        typeof hash === 'string' &&
        Buffer.from(hash, 'base64').length === hashBytes
      )
        return { username, salt, hash }
    }
  } catch {
    // Told below.
  }
  throw new MillraceError('DATA_CORRUPT', `${file} does not hold a user: remove it, and start with credentials again.`)
}
