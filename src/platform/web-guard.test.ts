import { expect, test } from 'vitest'
import { addressed, hostNames } from './web-guard.ts'

const names = hostNames(['Millrace.Example', 'fd00::0:1', ''])

test.each([
  { host: 'localhost:8080' },
  { host: '127.0.0.1' },
  { host: '[::1]:8080' },
  { host: 'millrace.example:8080', origin: 'http://millrace.example:8080' },
  { host: '[fd00::1]:80' },
  { host: 'localhost:8080', origin: 'http://localhost:8080' },
  // Behind a proxy that is not trusted to say so.
  { host: 'millrace.example', origin: 'https://millrace.example' },
  { host: 'millrace.example:443', origin: 'https://millrace.example', isSecure: true },
])('%j is meant for this server', (headers) => {
  expect(addressed(headers, names)).toEqual({ is: 'own' })
})

test.each([
  [{ host: 'attacker.example:8080' }, 'foreign host'],
  [{ host: '' }, 'foreign host'],
  [{}, 'foreign host'],
  [{ host: 'localhost.attacker.example' }, 'foreign host'],
  [{ host: 'attacker.example#localhost' }, 'foreign host'],
  [{ host: 'localhost:8080', origin: 'http://attacker.example' }, 'foreign origin'],
  [{ host: 'localhost:8080', origin: 'http://localhost:3000' }, 'foreign origin'],
  [{ host: 'localhost:8080', origin: 'null' }, 'foreign origin'],
  [{ host: 'millrace.example', origin: 'http://millrace.example', isSecure: true }, 'foreign origin'],
] as const)('%j is not: %s', (headers, is) => {
  expect(addressed(headers, names)).toMatchObject({ is })
})
