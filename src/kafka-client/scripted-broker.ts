import type { Socket } from 'node:net'
import { createSecureContext, TLSSocket } from 'node:tls'
import { type Api, apiVersions, decodeRequestHeader, encodeResponseFrame, metadata } from '../kafka-wire/index.ts'
import { listenTcp } from '../platform/index.ts'
import { FrameAssembler } from './frame-assembler.ts'

interface Script {
  key: number
  max: number
  /** The answer's frame; undefined: none, ever. */
  answer(version: number, correlationId: number, body: Uint8Array, socket: Socket): Uint8Array[] | undefined
}

/** A scripted answer to one API. Returning undefined leaves the request unanswered; `socket.destroy()` cuts the connection. */
export function on<Req, Res, SparseReq, SparseRes>(
  api: Api<Req, Res, SparseReq, SparseRes>,
  answer: (request: Req, socket: Socket, version: number) => NoInfer<SparseRes> | undefined,
  atMost = api.request.versions[1],
): Script {
  return {
    key: api.key,
    max: atMost,
    answer: (version, correlationId, body, socket) => {
      const request = api.request.decode(version, body)
      if (!request.ok) throw new Error(request.reason)
      const said = answer(request.body, socket, version)
      return said && encodeResponseFrame(api, version, correlationId, said)
    },
  }
}

export interface ScriptedBroker extends AsyncDisposable {
  readonly address: string
  readonly host: string
  readonly port: number
  /** Cuts every connection; new ones are accepted. */
  cut(): void
}

/** PEM texts; with `ca` the clients must have a certificate of that authority. */
export interface ScriptedTls {
  cert: string
  key: string
  ca?: string
}

/** For tests of what real brokers do rarely: a broker on a real socket that answers as told, in request order per connection. */
export async function startScriptedBroker(
  scripts: readonly Script[] | ((port: () => number) => readonly Script[]),
  options: { tls?: ScriptedTls; onTls?: (socket: TLSSocket) => void; features?: Readonly<Record<string, number>> } = {},
): Promise<ScriptedBroker> {
  const sockets = new Set<Socket>()
  let port = 0
  const given = typeof scripts === 'function' ? scripts(() => port) : scripts
  const known = new Map(given.map((script) => [script.key, script]))
  const versions = on(apiVersions, () => ({
    errorCode: 0,
    apiKeys: [...known.values()].map(({ key, max }) => ({ apiKey: key, minVersion: 0, maxVersion: max })),
    finalizedFeatures: Object.entries(options.features ?? {}).map(([name, level]) => ({
      name,
      maxVersionLevel: level,
      minVersionLevel: level,
    })),
  }))
  known.set(apiVersions.key, versions)
  const server = await listenTcp({
    host: '127.0.0.1',
    port: 0,
    onConnection: (tcp) => {
      const socket = options.tls ? secured(tcp, options.tls, options.onTls) : tcp
      sockets.add(socket)
      socket.on('error', () => undefined)
      socket.once('close', () => sockets.delete(socket))
      const assembler = new FrameAssembler((frame) => answerFrame(known, frame, socket))
      socket.on('data', (chunk) => assembler.push(chunk))
    },
  })
  port = server.port
  return {
    host: server.host,
    port,
    address: `${server.host}:${port}`,
    cut: () => {
      for (const socket of sockets) socket.destroy()
    },
    [Symbol.asyncDispose]: () => server.close(),
  }
}

function secured(tcp: Socket, { cert, key, ca }: ScriptedTls, onTls?: (socket: TLSSocket) => void): TLSSocket {
  tcp.on('error', () => undefined)
  const socket: TLSSocket = new TLSSocket(tcp, {
    isServer: true,
    secureContext: createSecureContext({ cert, key, ...(ca ? { ca } : {}) }),
    requestCert: ca !== undefined,
    rejectUnauthorized: ca !== undefined,
  })
  socket.once('secure', () => onTls?.(socket))
  return socket
}

function answerFrame(known: ReadonlyMap<number, Script>, frame: Uint8Array, socket: Socket): void {
  const header = decodeRequestHeader(frame)
  if (!header.ok) throw new Error(header.reason)
  const script = known.get(header.apiKey)
  if (!script) throw new Error(`no script for API ${header.apiKey}`)
  const parts = script.answer(header.apiVersion, header.correlationId, header.body, socket)
  for (const part of parts ?? []) socket.write(part)
}

/** Metadata of one broker, itself, that leads every partition of these topics. */
export function onMetadata(port: () => number, topics: Readonly<Record<string, number>>, leaderEpoch: () => number = () => 0): Script {
  return on(metadata, (request) => ({
    brokers: [{ nodeId: 1, host: '127.0.0.1', port: port() }],
    controllerId: 1,
    topics: (request.topics ?? Object.keys(topics).map((name) => ({ name }))).map(({ name }) => ({
      errorCode: name !== null && name in topics ? 0 : 3,
      name,
      partitions: Array.from({ length: (name !== null && topics[name]) || 0 }, (_, partitionIndex) => ({
        errorCode: 0,
        partitionIndex,
        leaderId: 1,
        leaderEpoch: leaderEpoch(),
        replicaNodes: [1],
        isrNodes: [1],
      })),
    })),
  }))
}
