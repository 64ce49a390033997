/** Certificates and keys as PEM texts. `cert` and `key` together are this client's own identity (mTLS). */
export interface TlsOptions {
  /** Who may sign the broker's certificate; several may follow each other. Default: the system's certificate authorities. */
  ca?: string
  cert?: string
  key?: string
  /** Of an encrypted `key`. */
  passphrase?: string
  /** The name asked for (SNI) and expected in the broker's certificate. Default: the host that is connected to. */
  serverName?: string
  /** Default true. False: any certificate that the authorities signed will do, whatever its name. */
  verifyHostname?: boolean
}

export interface OauthToken {
  value: string
  /** When the token ends; the connection authenticates again before it. Default: what the broker says (KIP-368). */
  expiresAtMs?: number
  /** SASL extensions that go with the token (KIP-342). */
  extensions?: Readonly<Record<string, string>>
}

export type SaslOptions =
  | { mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'; username: string; password: string }
  /** `token` is called for each authentication, again when a session is renewed. */
  | { mechanism: 'OAUTHBEARER'; token: () => Promise<OauthToken | string> }
