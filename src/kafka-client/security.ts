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
