import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { makeAuthority } from '../../../tools/engines/certificates.ts'
import { cqlshLine } from './cqlsh-line.ts'

const folder = mkdtempSync(join(tmpdir(), 'cqlsh-line-'))
const at = (name: string): string => join(folder, name)
const where = { host: 'db', port: '9042', username: null }
beforeAll(async () => {
  const [authority, other] = await Promise.all([makeAuthority(), makeAuthority()])
  const { cert } = await authority.issue({ name: 'db', dns: ['db'], ips: [] })
  const files = { 'cert.pem': cert, 'chain.pem': `${cert}\n${authority.cert}`, 'ca.pem': authority.cert, 'other.pem': other.cert }
  for (const [name, text] of Object.entries(files)) writeFileSync(at(name), text)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

it('is host and port alone where nothing is secured, and asks for the password of a user', () => {
  expect(cqlshLine({ ...where, tls: {} })).toBe('cqlsh db 9042')
  expect(cqlshLine({ ...where, username: "o'neil", tls: {} })).toBe(String.raw`cqlsh -u 'o'\''neil' db 9042`)
})

it('trusts the file that the authority of the certificate is in', () => {
  const line = (file: string): string => `SSL_CERTFILE=${at(file)} cqlsh --ssl -u ada db 9042`
  const ask = (cert: string, ca?: string): string =>
    cqlshLine({ ...where, username: 'ada', tls: { tlsCert: at(cert), ...(ca === undefined ? {} : { tlsClientCa: at(ca) }) } })
  const client = "the client's usercert and userkey stand in [ssl] of cqlshrc"
  expect(ask('chain.pem')).toBe(line('chain.pem'))
  expect(ask('ca.pem')).toBe(line('ca.pem'))
  expect(ask('cert.pem', 'ca.pem')).toBe(`${line('ca.pem')} (${client})`)
  const unknown = `SSL_CERTFILE=ca.pem cqlsh --ssl -u ada db 9042 (ca.pem is the authority of ${at('cert.pem')}`
  expect(ask('cert.pem')).toBe(`${unknown})`)
  expect(ask('cert.pem', 'other.pem')).toBe(`${unknown}; ${client})`)
})
