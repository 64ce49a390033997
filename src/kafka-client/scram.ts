import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import type { SaslExchange, SaslStep } from './sasl.ts'

/**
 * SCRAM (RFC 5802, RFC 7677) without channel binding, as Kafka speaks it (KIP-84): names and passwords go as the UTF-8 they are
 * (Kafka leaves SASLprep out on both sides: with it, a password that it changes would not fit what the broker stored).
 */
export type ScramMechanism = 'SCRAM-SHA-256' | 'SCRAM-SHA-512'

export interface ServerFirst {
  /** The client's nonce, then the server's. */
  nonce: string
  salt: Uint8Array
  iterations: number
}

export type Parsed<T> = { ok: true; value: T } | { ok: false; reason: string }

const hashes = { 'SCRAM-SHA-256': { name: 'sha256', bytes: 32 }, 'SCRAM-SHA-512': { name: 'sha512', bytes: 64 } } as const
/** As Kafka's own client: fewer make a stolen exchange cheap to guess from. */
const MIN_ITERATIONS = 4_096
/** A server that asks for more is after this machine's time. */
const MAX_ITERATIONS = 1_000_000
/** No channel binding, no authorization identity. */
const GS2_HEADER = 'n,,'
const NONCE_BYTES = 24
const printable = /^[\x21-\x2b\x2d-\x7e]+$/

/** `r=…,s=…,i=…[,extensions]` (RFC 5802 §7, server-first-message). */
export function parseServerFirst(text: string, clientNonce: string): Parsed<ServerFirst> {
  const [r = '', s = '', i = '', ...extensions] = text.split(',')
  if (r.startsWith('m=')) return { ok: false, reason: 'it demands an extension that this client does not know' }
  if (!r.startsWith('r=') || !s.startsWith('s=') || !i.startsWith('i=') || !extensions.every((each) => /^[A-Za-z]=/.test(each)))
    return { ok: false, reason: 'its first message is no SCRAM message' }
  const nonce = r.slice(2)
  // Another nonce means an exchange that was not begun here: a replay.
  if (!printable.test(nonce) || !nonce.startsWith(clientNonce) || nonce.length === clientNonce.length)
    return { ok: false, reason: 'its nonce does not begin with the one it was sent' }
  const salt = bytesOf(s.slice(2))
  if (!salt) return { ok: false, reason: 'its salt is not base64' }
  const iterations = /^[1-9]\d{0,9}$/.test(i.slice(2)) ? Number(i.slice(2)) : 0
  if (iterations < MIN_ITERATIONS || iterations > MAX_ITERATIONS)
    return { ok: false, reason: `it wants ${iterations} iterations, not ${MIN_ITERATIONS} to ${MAX_ITERATIONS}` }
  return { ok: true, value: { nonce, salt, iterations } }
}

/** `v=…` or `e=…` (RFC 5802 §7, server-final-message): the server's signature. */
export function parseServerFinal(text: string): Parsed<Uint8Array> {
  const [first = ''] = text.split(',')
  if (first.startsWith('e=')) return { ok: false, reason: `it answered "${first.slice(2).replaceAll(/[^\x20-\x7e]/g, '?')}"` }
  const signature = first.startsWith('v=') ? bytesOf(first.slice(2)) : null
  return signature ? { ok: true, value: signature } : { ok: false, reason: 'its last message is no SCRAM message' }
}

/** Non-empty canonical base64 only. */
function bytesOf(text: string): Uint8Array | null {
  const bytes = Buffer.from(text, 'base64')
  return text !== '' && bytes.toString('base64') === text ? bytes : null
}

/** One exchange; it knows the password and never tells it (P8). @param clientNonce for tests */
export function scramExchange(
  mechanism: ScramMechanism,
  { username, password }: { username: string; password: string },
  clientNonce: string = randomBytes(NONCE_BYTES).toString('base64'),
): SaslExchange {
  const clientFirstBare = `n=${username.replaceAll('=', '=3D').replaceAll(',', '=2C')},r=${clientNonce}`
  let expected: Uint8Array | null = null
  const answerFirst = async (text: string): Promise<SaslStep> => {
    const parsed = parseServerFirst(text, clientNonce)
    if (!parsed.ok) return { is: 'failed', reason: parsed.reason }
    const proven = await prove(mechanism, password, clientFirstBare, text, parsed.value)
    expected = proven.serverSignature
    return { is: 'token', token: Buffer.from(proven.clientFinal) }
  }
  const checkFinal = (text: string, signature: Uint8Array): SaslStep => {
    const parsed = parseServerFinal(text)
    if (!parsed.ok) return { is: 'failed', reason: parsed.reason }
    // Only who knows the stored keys can sign: else it is not the broker that it says it is.
    const isSigned = parsed.value.length === signature.length && timingSafeEqual(parsed.value, signature)
    return isSigned ? { is: 'done' } : { is: 'failed', reason: 'its signature does not fit the password: it may not be the real broker' }
  }
  return {
    first: Buffer.from(GS2_HEADER + clientFirstBare),
    step: async (challenge) => {
      const text = Buffer.from(challenge).toString('utf8')
      return expected ? checkFinal(text, expected) : answerFirst(text)
    },
  }
}

/** RFC 5802 §3. */
async function prove(
  mechanism: ScramMechanism,
  password: string,
  clientFirstBare: string,
  serverFirst: string,
  { nonce, salt, iterations }: ServerFirst,
): Promise<{ clientFinal: string; serverSignature: Uint8Array }> {
  const hash = hashes[mechanism]
  const hmac = (key: Uint8Array, text: string): Buffer => createHmac(hash.name, key).update(text).digest()
  const saltedPassword = await promisify(pbkdf2)(password, salt, iterations, hash.bytes, hash.name)
  const withoutProof = `c=${Buffer.from(GS2_HEADER).toString('base64')},r=${nonce}`
  const authMessage = `${clientFirstBare},${serverFirst},${withoutProof}`
  const clientKey = hmac(saltedPassword, 'Client Key')
  const storedKey = createHash(hash.name).update(clientKey).digest()
  const clientSignature = hmac(storedKey, authMessage)
  const proof = clientKey.map((byte, at) => byte ^ (clientSignature[at] ?? 0))
  return {
    clientFinal: `${withoutProof},p=${Buffer.from(proof).toString('base64')}`,
    serverSignature: hmac(hmac(saltedPassword, 'Server Key'), authMessage),
  }
}
