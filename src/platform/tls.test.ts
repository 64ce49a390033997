import { generateKeyPairSync } from 'node:crypto'
import { beforeAll, describe, expect, test } from 'vitest'
import { makeAuthority, type Certificate } from '../../tools/engines/certificates.ts'
import { serverTlsFault } from './tls.ts'

let server: Certificate

beforeAll(async () => {
  server = await (await makeAuthority()).issue({ name: 'localhost' })
})

describe('an encrypted key', () => {
  // One in 256 of them "decrypts" the key to something that is none.
  test.each(['pkcs8', 'pkcs1'] as const)('in %s form is told not to open with whichever wrong passphrase', (type) => {
    const { privateKey } = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type, format: 'pem', cipher: 'aes-256-cbc', passphrase: 'open sesame' },
    })
    const faults = Array.from({ length: 1_000 }, (_, i) => serverTlsFault({ ...server, key: privateKey, passphrase: `wrong ${i}` }))
    expect(new Set(faults.map((fault) => `${fault?.option} ${fault?.what}`))).toEqual(new Set(['passphrase does not open tls.key']))
  })
})
