import { createHmac, pbkdf2Sync } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseServerFinal, parseServerFirst, scramExchange } from './scram.ts'

/** RFC 7677 §3. */
const example = {
  credentials: { username: 'user', password: 'pencil' },
  clientNonce: 'rOprNGfwEbeRWgbNEkqO',
  clientFirst: 'n,,n=user,r=rOprNGfwEbeRWgbNEkqO',
  serverFirst: 'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
  clientFinal: 'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
  serverFinal: 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
}

const bytes = (text: string): Uint8Array => Buffer.from(text)
const begin = () => scramExchange('SCRAM-SHA-256', example.credentials, example.clientNonce)

describe('SCRAM', () => {
  it('says word for word what RFC 7677 says', async () => {
    const exchange = begin()
    expect(Buffer.from(exchange.first).toString()).toBe(example.clientFirst)
    const step = await exchange.step(bytes(example.serverFirst))
    expect(step).toEqual({ is: 'token', token: bytes(example.clientFinal) })
    expect(await exchange.step(bytes(example.serverFinal))).toEqual({ is: 'done' })
  })

  it('does not believe a server that cannot sign', async () => {
    const exchange = begin()
    await exchange.step(bytes(example.serverFirst))
    const forged = `v=${Buffer.alloc(32).toString('base64')}`
    expect(await exchange.step(bytes(forged))).toMatchObject({ is: 'failed', reason: expect.stringContaining('signature') })
  })

  it.each([
    ['a nonce that is not ours', example.serverFirst.replace('r=rO', 'r=Xy'), 'nonce'],
    ['our nonce alone', `r=${example.clientNonce},s=AAAA,i=4096`, 'nonce'],
    ['fewer iterations than Kafka allows', example.serverFirst.replace('i=4096', 'i=4095'), '4095 iterations'],
    ['iterations for a year', example.serverFirst.replace('i=4096', 'i=2000000000'), '2000000000 iterations'],
    ['a salt that is not base64', example.serverFirst.replace('W22Z', 'W2*Z'), 'salt'],
    ['no salt', example.serverFirst.replace(/s=[^,]+/, 's='), 'salt'],
    ['a mandatory extension', `m=x,${example.serverFirst}`, 'extension'],
    ['nothing', '', 'no SCRAM message'],
  ])('breaks off when the server sends %s', async (_, serverFirst, why) => {
    expect(await begin().step(bytes(serverFirst))).toMatchObject({ is: 'failed', reason: expect.stringContaining(why) })
  })

  it('repeats the error that a server names', async () => {
    const exchange = begin()
    await exchange.step(bytes(example.serverFirst))
    expect(await exchange.step(bytes('e=invalid-proof'))).toEqual({ is: 'failed', reason: 'it answered "invalid-proof"' })
  })

  it('escapes commas and equals signs in names', () => {
    const { first } = scramExchange('SCRAM-SHA-512', { username: 'a,b=c', password: 'x' }, 'nonce')
    expect(Buffer.from(first).toString()).toBe('n,,n=a=2Cb=3Dc,r=nonce')
  })

  it('takes another nonce each time', () => {
    const firsts = Array.from({ length: 20 }, () =>
      Buffer.from(scramExchange('SCRAM-SHA-256', example.credentials).first).toString('base64'),
    )
    expect(new Set(firsts).size).toBe(20)
  })

  it('comes to terms with a server of its own making, whatever the password, and with no other password', async () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1 }).filter((each) => !each.includes('\0'))
    await fc.assert(
      fc.asyncProperty(text, text, fc.uint8Array({ minLength: 8, maxLength: 64 }), async (password, other, salt) => {
        const exchange = scramExchange('SCRAM-SHA-512', { username: 'u', password }, 'nonce')
        const serverFirst = `r=nonceMore,s=${Buffer.from(salt).toString('base64')},i=4096`
        const step = await exchange.step(bytes(serverFirst))
        const finalText = step.is === 'token' ? Buffer.from(step.token).toString() : ''
        const signed = (secret: string): Uint8Array => {
          const key = createHmac('sha512', pbkdf2Sync(secret, salt, 4_096, 64, 'sha512'))
            .update('Server Key')
            .digest()
          const authMessage = `n=u,r=nonce,${serverFirst},${finalText.slice(0, finalText.indexOf(',p='))}`
          return bytes(`v=${createHmac('sha512', key).update(authMessage).digest('base64')}`)
        }
        if (other !== password) expect((await exchange.step(signed(other))).is).toBe('failed')
        expect((await exchange.step(signed(password))).is).toBe('done')
      }),
      { numRuns: 30 },
    )
  })
})

describe('the parsers of what a server sends', () => {
  it('never throw, and take nothing that breaks the grammar', () => {
    const pieces = fc.array(fc.constantFrom('r=', 's=', 'i=', 'v=', 'e=', 'm=', ',', '=', 'AAAA', '4096', 'n', 'é', '\0'), {
      maxLength: 12,
    })
    const texts = fc.oneof(
      fc.string({ unit: 'binary' }),
      pieces.map((some) => some.join('')),
    )
    fc.assert(
      fc.property(texts, (text) => {
        const first = parseServerFirst(text, 'n')
        if (first.ok) {
          expect(first.value.nonce.startsWith('n')).toBe(true)
          expect(first.value.salt.byteLength).toBeGreaterThan(0)
          expect(first.value.iterations).toBeGreaterThanOrEqual(4_096)
        }
        const final = parseServerFinal(text)
        if (final.ok) expect(text).toContain(Buffer.from(final.value).toString('base64'))
      }),
      { numRuns: 2_000 },
    )
  })

  it('read back what a server composes', () => {
    const nonce = fc.stringMatching(/^[!-+\--~]{1,40}$/)
    fc.assert(
      fc.property(nonce, fc.uint8Array({ minLength: 1 }), fc.integer({ min: 4_096, max: 1_000_000 }), (more, salt, iterations) => {
        const text = `r=mine${more},s=${Buffer.from(salt).toString('base64')},i=${iterations},x=later`
        expect(parseServerFirst(text, 'mine')).toEqual({ ok: true, value: { nonce: `mine${more}`, salt: Buffer.from(salt), iterations } })
      }),
    )
  })
})
