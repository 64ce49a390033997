import { readFile } from 'node:fs/promises'
import { request } from 'node:https'
import { asMillraceError, errnoOf, messageOf, MillraceError, parseHostPort, type TlsOptions } from '../platform/index.ts'
import { formatAddress, type Address } from './address.ts'
import { tlsFailure } from './tls.ts'
import { readZip } from './zip.ts'

/** What a secure connect bundle holds: a zip of `config.json`, `ca.crt`, `cert` and `key`. */
export interface SecureBundle {
  /** Of the metadata service, which tells where the cluster is now. */
  readonly service: Address
  readonly tls: TlsOptions
  /** Older bundles carry them. */
  readonly credentials: { username: string; password: string } | null
}

/** Where the nodes of a cluster are: all behind one proxy that finds a node by the host id in SNI. */
export interface ClusterLocation {
  readonly proxy: Address
  readonly hostIds: readonly string[]
  readonly localDataCenter: string
}

const maxBundleBytes = 4 * 1024 * 1024
const maxMetadataBytes = 1024 * 1024
const files = ['config.json', 'ca.crt', 'cert', 'key'] as const

/** Rejects with CONFIG_INVALID when the file is not there or is no bundle. */
export async function readBundle(path: string): Promise<SecureBundle> {
  const bytes = await readFile(path).catch((error: unknown) => {
    throw bad(path, errnoOf(error) === 'ENOENT' ? 'there is no such file' : messageOf(error))
  })
  if (bytes.length > maxBundleBytes) throw bad(path, `it has ${bytes.length} bytes, which no bundle has`)
  const zip = readZip(bytes, files)
  if (!zip.ok) throw bad(path, `it cannot be read as a zip file: ${zip.error}`)
  const missing = files.filter((name) => !zip.value.has(name))
  if (missing.length > 0) throw bad(path, `it holds no ${missing.join(', no ')}`)
  const [config = '', ca = '', cert = '', key = ''] = files.map((name) => zip.value.get(name)?.toString('utf8'))
  const { host, port: portText, username, password } = fieldsOf(parseJson(config))
  const port = Number(portText)
  if (typeof host !== 'string' || host === '' || !(port > 0 && port < 65_536)) throw bad(path, 'its config.json names no host and port')
  const hasUser = typeof username === 'string' && username !== '' && typeof password === 'string'
  return { service: { host, port }, tls: { ca, cert, key }, credentials: hasUser ? { username, password } : null }
}

function bad(path: string, what: string): MillraceError {
  return new MillraceError('CONFIG_INVALID', `The secure connect bundle ${path} cannot be used: ${what}. Download it again.`)
}

/** Asks the metadata service. Rejects with UNREACHABLE, TIMED_OUT, CONFIG_INVALID (TLS), PROTOCOL or the signal's reason. */
export async function locateCluster(bundle: SecureBundle, timeoutMs: number, signal?: AbortSignal): Promise<ClusterLocation> {
  const answer = fieldsOf(parseJson(await askMetadata(bundle, timeoutMs, signal)))
  const { contact_points: hostIds, local_dc: localDataCenter, sni_proxy_address: proxy } = fieldsOf(answer.contact_info)
  const isWhole = Array.isArray(hostIds) && hostIds.length > 0 && hostIds.every((id): id is string => typeof id === 'string')
  if (!isWhole || typeof localDataCenter !== 'string' || typeof proxy !== 'string') {
    throw protocol(bundle, 'gave no contact points, data centre and proxy address')
  }
  return { proxy: parseHostPort(proxy, 9042), hostIds, localDataCenter }
}

function askMetadata({ service, tls: { ca, cert, key } }: SecureBundle, timeoutMs: number, signal?: AbortSignal): Promise<string> {
  const timeout = AbortSignal.timeout(timeoutMs)
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => reject(metadataFailure(service, error, { timeoutMs, timeout, signal }))
    const ask = request({
      ...service,
      path: '/metadata',
      ca,
      cert,
      key,
      minVersion: 'TLSv1.2',
      agent: false,
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    })
    ask.once('error', fail)
    ask.once('response', (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        text += chunk
        if (text.length > maxMetadataBytes) ask.destroy(protocol({ service }, `gave more than ${maxMetadataBytes} bytes`))
      })
      response.once('error', fail)
      response.once('end', () => {
        if (response.statusCode === 200) resolve(text)
        else reject(refused(service, response.statusCode ?? 0))
      })
    })
    ask.end()
  })
}

function metadataFailure(
  service: Address,
  error: Error,
  { timeoutMs, timeout, signal }: { timeoutMs: number; timeout: AbortSignal; signal: AbortSignal | undefined },
): MillraceError {
  if (error instanceof MillraceError) return error
  if (signal?.aborted) return asMillraceError(signal.reason, 'CANCELLED')
  const where = `The metadata service ${formatAddress(service)} of the secure connect bundle`
  if (timeout.aborted) return new MillraceError('TIMED_OUT', `${where} did not answer within ${timeoutMs} ms.`)
  const failure = tlsFailure(service, error, true)
  if (failure) return failure
  return new MillraceError('UNREACHABLE', `${where} does not answer: ${messageOf(error)}. Is the database paused?`, { cause: error })
}

function refused(service: Address, status: number): MillraceError {
  const message = `The metadata service ${formatAddress(service)} of the secure connect bundle answered HTTP ${status}.`
  return new MillraceError('UNREACHABLE', message, { retriable: status >= 500 || status === 429, details: { status } })
}

function protocol({ service }: Pick<SecureBundle, 'service'>, what: string): MillraceError {
  return new MillraceError('PROTOCOL', `The metadata service ${formatAddress(service)} of the secure connect bundle ${what}.`)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}
