import { generate } from 'selfsigned'

/** PEM texts. Made where they are needed and never kept: no certificate or key lies in the tree. */
export interface Certificate {
  /** With the key's own certificate first. */
  readonly cert: string
  /** PKCS #8. */
  readonly key: string
}

export interface CertificateRequest {
  /** Its common name. */
  readonly name: string
  /** What it is good for besides; `localhost`, `127.0.0.1`, when nothing is said. */
  readonly dns?: readonly string[]
  readonly ips?: readonly string[]
  readonly notBefore?: Date
  /** Default: in a day. */
  readonly notAfter?: Date
  readonly passphrase?: string
}

/** An authority that signs certificates for servers and clients. */
export interface Authority {
  readonly cert: string
  issue(request: CertificateRequest): Promise<Certificate>
}

const DAY_MS = 86_400_000
const P256 = { keyType: 'ec', curve: 'P-256', algorithm: 'sha256' } as const

export async function makeAuthority(name = 'Millrace test authority'): Promise<Authority> {
  const root = await generate([{ name: 'commonName', value: name }], {
    ...P256,
    ...validity({}),
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  })
  const ca = { cert: root.cert, key: root.private }
  return { cert: root.cert, issue: (request) => issue(ca, request) }
}

async function issue(ca: { cert: string; key: string }, request: CertificateRequest): Promise<Certificate> {
  const { name, dns = ['localhost'], ips = ['127.0.0.1'], passphrase } = request
  const { cert, private: key } = await generate([{ name: 'commonName', value: name }], {
    ...P256,
    ...validity(request),
    ca,
    ...(passphrase === undefined ? {} : { passphrase }),
    extensions: [
      { name: 'basicConstraints', cA: false },
      { name: 'keyUsage', digitalSignature: true },
      { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
      {
        name: 'subjectAltName',
        altNames: [...dns.map((value) => ({ type: 2 as const, value })), ...ips.map((ip) => ({ type: 7 as const, ip }))],
      },
    ],
  })
  return { cert, key }
}

/** A clock that is a minute behind must not matter. */
function validity({ notBefore, notAfter }: Pick<CertificateRequest, 'notBefore' | 'notAfter'>): {
  notBeforeDate: Date
  notAfterDate: Date
} {
  const now = Date.now()
  return { notBeforeDate: notBefore ?? new Date(now - 60_000), notAfterDate: notAfter ?? new Date(now + DAY_MS) }
}
