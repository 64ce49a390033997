import { createHash, createHmac, pbkdf2Sync, randomBytes, timingSafeEqual } from 'node:crypto'

/** SCRAM (RFC 5802, RFC 7677) as Kafka's brokers speak it (KIP-84): no channel binding, no SASLprep. */
export type ScramMechanism = 'SCRAM-SHA-256' | 'SCRAM-SHA-512'

export const scramMechanisms: readonly ScramMechanism[] = ['SCRAM-SHA-256', 'SCRAM-SHA-512']

/** What a broker keeps of a password: enough to check a proof, not enough to make one (RFC 5802 §3). */
export interface ScramCredential {
  readonly salt: Buffer
  readonly iterations: number
  readonly storedKey: Buffer
  readonly serverKey: Buffer
}

const hashes = { 'SCRAM-SHA-256': { name: 'sha256', bytes: 32 }, 'SCRAM-SHA-512': { name: 'sha512', bytes: 64 } } as const
/** KIP-84's bounds: fewer are cheap to guess from, more cost a broker nothing but its clients much. */
export const minIterations = 4_096
export const maxIterations = 16_384

const hmac = (mechanism: ScramMechanism, key: Uint8Array, text: string): Buffer =>
  createHmac(hashes[mechanism].name, key).update(text).digest()

/** What is kept, of a password that a client has salted (KIP-554). */
export function credentialOf(
  mechanism: ScramMechanism,
  salted: { salt: Uint8Array; iterations: number; password: Uint8Array },
): ScramCredential {
  return {
    salt: Buffer.from(salted.salt),
    iterations: salted.iterations,
    storedKey: createHash(hashes[mechanism].name)
      .update(hmac(mechanism, salted.password, 'Client Key'))
      .digest(),
    serverKey: hmac(mechanism, salted.password, 'Server Key'),
  }
}

/** With a salt of its own. Takes some milliseconds of this thread: done once for an account. */
export function credentialOfPassword(mechanism: ScramMechanism, password: string): ScramCredential {
  const salt = randomBytes(16)
  const { name, bytes } = hashes[mechanism]
  return credentialOf(mechanism, { salt, iterations: minIterations, password: pbkdf2Sync(password, salt, minIterations, bytes, name) })
}

type ScramStep =
  | { readonly is: 'challenge'; readonly token: Buffer }
  | { readonly is: 'done'; readonly token: Buffer; readonly username: string }
  | { readonly is: 'refused' }

const refused: ScramStep = { is: 'refused' }
/** `n,[a=authorization id],` then user name, nonce, extensions; a binding of the channel (`p=`) is not offered. */
const clientFirst = /^([ny],(?:a=([^,]*))?,)(n=([^,]*),r=([\x21-\x2b\x2d-\x7e]+)(?:,(.*))?)$/s
/** `c=…,r=…[,extensions],p=…` */
const clientFinal = /^((c=[A-Za-z0-9+/=]+),r=([\x21-\x2b\x2d-\x7e]+)(?:,[^,]+)*),p=([A-Za-z0-9+/=]+)$/s

/** One exchange, the broker's side. `find` gives the credential of a user, null when there is none. */
export class ScramExchange {
  readonly #mechanism: ScramMechanism
  readonly #find: (username: string) => ScramCredential | null
  readonly #serverNonce: string
  #begun: { username: string; credential: ScramCredential; nonce: string; gs2: string; firsts: string } | null = null

  /** @param serverNonce for tests */
  constructor(
    mechanism: ScramMechanism,
    find: (username: string) => ScramCredential | null,
    serverNonce: string = randomBytes(24).toString('base64'),
  ) {
    this.#mechanism = mechanism
    this.#find = find
    this.#serverNonce = serverNonce
  }

  step(token: Uint8Array): ScramStep {
    const text = Buffer.from(token).toString('utf8')
    return this.#begun ? this.#finish(text) : this.#begin(text)
  }

  #begin(text: string): ScramStep {
    const [, gs2 = '', authorizationId = '', bare = '', name = '', clientNonce = '', extensions = ''] = clientFirst.exec(text) ?? []
    const username = unescaped(name)
    if (bare === '' || !username) return refused
    // Delegation tokens (KIP-48) are not known here; nobody signs in for someone else.
    if (/(^|,)tokenauth=true/i.test(extensions) || (authorizationId !== '' && unescaped(authorizationId) !== username)) return refused
    const credential = this.#find(username)
    if (!credential) return refused
    const nonce = clientNonce + this.#serverNonce
    const serverFirst = `r=${nonce},s=${credential.salt.toString('base64')},i=${credential.iterations}`
    this.#begun = { username, credential, nonce, gs2, firsts: `${bare},${serverFirst}` }
    return { is: 'challenge', token: Buffer.from(serverFirst) }
  }

  #finish(text: string): ScramStep {
    const begun = this.#begun
    const [, withoutProof = '', binding = '', nonce = '', proof = ''] = clientFinal.exec(text) ?? []
    // As Kafka: older librdkafka sends its own nonce twice, in front; the proof covers what was sent.
    if (!begun || withoutProof === '' || !nonce.endsWith(begun.nonce)) return refused
    if (binding !== `c=${Buffer.from(begun.gs2).toString('base64')}`) return refused
    const { storedKey, serverKey } = begun.credential
    const authMessage = `${begun.firsts},${withoutProof}`
    const signature = hmac(this.#mechanism, storedKey, authMessage)
    const proven = Buffer.from(proof, 'base64')
    if (proven.length !== signature.length) return refused
    const clientKey = proven.map((byte, at) => byte ^ (signature[at] ?? 0))
    if (!timingSafeEqual(createHash(hashes[this.#mechanism].name).update(clientKey).digest(), storedKey)) return refused
    const token = Buffer.from(`v=${hmac(this.#mechanism, serverKey, authMessage).toString('base64')}`)
    return { is: 'done', token, username: begun.username }
  }
}

/** RFC 5802 §5.1: `=2C` is a comma, `=3D` an equals sign, every other `=` is wrong: then null. */
function unescaped(name: string): string | null {
  return /=(?!2C|3D)/.test(name) ? null : name.replaceAll('=2C', ',').replaceAll('=3D', '=')
}
