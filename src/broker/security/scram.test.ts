import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { credentialOfPassword, ScramExchange, type ScramCredential } from './scram.ts'

const bytes = (text: string): Buffer => Buffer.from(text)
const base64 = (text: string): Buffer => Buffer.from(text, 'base64')

/** RFC 7677 §3: user "user", password "pencil". */
const example: ScramCredential = {
  salt: base64('W22ZaJ0SNY7soEsUEjb6gQ=='),
  iterations: 4096,
  storedKey: base64('WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY='),
  serverKey: base64('wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU='),
}
const example1st = 'n,,n=user,r=rOprNGfwEbeRWgbNEkqO'
const serverNonce = '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0'
const example2nd = `c=biws,r=rOprNGfwEbeRWgbNEkqO${serverNonce},p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=`

const exchange = (): ScramExchange => new ScramExchange('SCRAM-SHA-256', (name) => (name === 'user' ? example : null), serverNonce)

describe('SCRAM, the broker’s side', () => {
  it('answers as the example of RFC 7677', () => {
    const one = exchange()
    const first = one.step(bytes(example1st))
    expect(first.is === 'challenge' && String(first.token)).toBe(`r=rOprNGfwEbeRWgbNEkqO${serverNonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`)
    const last = one.step(bytes(example2nd))
    expect(last.is === 'done' && [last.username, String(last.token)]).toEqual(['user', 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4='])
  })

  const refused: [string, readonly string[]][] = [
    ['an unknown user', ['n,,n=nobody,r=abc']],
    ['channel binding', ['p=tls-unique,,n=user,r=abc']],
    ['someone who signs in for someone else', ['n,a=other,n=user,r=abc']],
    ['delegation tokens', ['n,,n=user,r=abc,tokenauth=true']],
    ['a name with a wrong escape', ['n,,n=us=er,r=abc']],
    ['another nonce', [example1st, example2nd.replace('hNlF', 'XXXX')]],
    ['another binding', [example1st, example2nd.replace('biws', 'eSws')]],
    ['another proof', [example1st, example2nd.replace('p=dHzb', 'p=dHzc')]],
    ['no proof', [example1st, example2nd.replace(/,p=.*/, '')]],
    ['the first message again', [example1st, example1st]],
  ]
  it.each(refused)('refuses %s', (_, messages) => {
    const one = exchange()
    expect(messages.map((message) => one.step(bytes(message)).is).at(-1)).toBe('refused')
  })

  it('never throws, and lets nobody in, whatever comes', () => {
    const pieces = fc.array(fc.constantFrom('n,,', 'n=user', 'r=abc', ',', 'c=biws', 'p=AAAA', 'a=', '=2C', '\0', 'é', example1st), {
      maxLength: 8,
    })
    const texts = fc.oneof(
      fc.string({ unit: 'binary' }),
      pieces.map((some) => some.join('')),
    )
    fc.assert(
      fc.property(fc.array(texts, { minLength: 1, maxLength: 3 }), (messages) => {
        const one = exchange()
        for (const message of messages) expect(one.step(bytes(message)).is).not.toBe('done')
      }),
      { numRuns: 1_000 },
    )
  })

  it('keeps of a password neither itself nor the same twice', () => {
    const [one, other] = [credentialOfPassword('SCRAM-SHA-512', 'pencil'), credentialOfPassword('SCRAM-SHA-512', 'pencil')]
    expect(one.storedKey.equals(other.storedKey)).toBe(false)
    expect(JSON.stringify(one)).not.toContain('pencil')
  })
})
