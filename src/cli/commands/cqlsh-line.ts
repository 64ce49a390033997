import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { shellWord } from '../../platform/index.ts'
import type { AccessOptions } from './broker-access.ts'

/** Where a table store is, and what it asks of clients. */
interface Reached {
  host: string
  port: string
  username: string | null
  tls: AccessOptions
}

/** The command by which `cqlsh` reaches a table store, and what it needs beside its arguments; it asks for the password itself. */
export function cqlshLine({ host, port, username, tls }: Reached): string {
  const user = username === null ? [] : ['-u', shellWord(username)]
  if (tls.tlsCert === undefined) return ['cqlsh', ...user, host, port].join(' ')
  const trusted = fileOfAuthority(tls.tlsCert, tls.tlsClientCa)
  const line = [`SSL_CERTFILE=${shellWord(trusted ?? 'ca.pem')}`, 'cqlsh', '--ssl', ...user, host, port].join(' ')
  const needs = [
    ...(trusted === null ? [`ca.pem is the authority of ${tls.tlsCert}`] : []),
    ...(tls.tlsClientCa === undefined ? [] : ["the client's usercert and userkey stand in [ssl] of cqlshrc"]),
  ]
  return needs.length === 0 ? line : `${line} (${needs.join('; ')})`
}

/** The file that holds who signed the certificate, its own signer included; null where neither does. */
function fileOfAuthority(...files: readonly (string | undefined)[]): string | null {
  const named = files.filter((file) => file !== undefined)
  const leaf = named[0] === undefined ? undefined : certificatesIn(named[0])[0]
  return (
    named.find(
      (file) => leaf && certificatesIn(file).some((each) => isRoot(each) && leaf.checkIssued(each) && leaf.verify(each.publicKey)),
    ) ?? null
  )
}

const isRoot = (certificate: X509Certificate): boolean => certificate.checkIssued(certificate)

function certificatesIn(file: string): X509Certificate[] {
  const blocks = readFileSync(file, 'utf8').match(/-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----/gs) ?? []
  return blocks.map((block) => new X509Certificate(block))
}
