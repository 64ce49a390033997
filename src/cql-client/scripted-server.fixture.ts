import type { Socket } from 'node:net'
import { listenTcp } from '../platform/index.ts'
import {
  decodeRequest,
  encodeResponse,
  encodeValue,
  errors,
  readFrameHeader,
  type BoundValue,
  type ColumnSpec,
  type CqlType,
  type CqlValue,
  type Request,
  type Response,
} from '../cql-wire/index.ts'

type Execute = Extract<Request, { opcode: 'EXECUTE' }>

export interface Script {
  /** What an EXECUTE is answered with; null: nothing at all; 'cut': the connection is cut. `count` is that of the EXECUTEs so far, from 1. */
  execute?: (values: readonly BoundValue[], count: number) => Response | null | 'cut'
  prepare?: (count: number) => Response | null
  password?: string
  /** Class that asks for it; Cassandra's own when left out. */
  authenticator?: string
  dataCenter?: string
  tokens?: string[]
  /** Ports and tokens of the other nodes, and the schema that they are known to have. */
  peers?: { port: number; tokens: string[]; schemaVersion?: string }[]
  schemaVersion?: string
  /** Answers are kept back until that many EXECUTEs wait, to see how many are sent without an answer. */
  holdUntil?: number
}

export interface ScriptedServer extends AsyncDisposable {
  port: number
  address: string
  /** Bound values of all EXECUTEs that were answered RESULT. */
  written: BoundValue[][]
  counts: { connections: number; prepares: number; executes: number; mostWaiting: number; reads: number }
  script: Script
  cutAll(): void
}

export const usersColumns = [
  { name: 'id', type: { is: 'uuid' } },
  { name: 'name', type: { is: 'text' } },
] as const satisfies { name: string; type: CqlType }[]

export const done: Response = { opcode: 'RESULT', kind: 'void' }

export function failure(code: number, message = 'scripted'): Response {
  return { opcode: 'ERROR', code, message }
}

/** A CQL server that knows the table ks.users (id uuid, name text) and otherwise does what its script says. */
export async function startScriptedServer(script: Script = {}, port = 0): Promise<ScriptedServer> {
  const sockets = new Set<Socket>()
  const counts = { connections: 0, prepares: 0, executes: 0, mostWaiting: 0, reads: 0 }
  const written: BoundValue[][] = []
  const tcp = await listenTcp({
    host: '127.0.0.1',
    port,
    onConnection: (socket) => {
      counts.connections++
      sockets.add(socket)
      socket.on('close', () => sockets.delete(socket))
      socket.on('error', () => {})
      const held: (() => void)[] = []
      readFrames(
        socket,
        () => counts.reads++,
        (stream, request) => {
          const answer = answerTo(server, request)
          if (answer === 'cut') return void socket.destroy()
          if (answer === null) return
          const send = (): void => void socket.write(encodeResponse(4, stream, answer))
          const holdUntil = server.script.holdUntil ?? 0
          if (request.opcode !== 'EXECUTE' || holdUntil === 0) return send()
          held.push(send)
          counts.mostWaiting = Math.max(counts.mostWaiting, held.length)
          if (held.length >= holdUntil) for (const each of held.splice(0)) each()
        },
      )
    },
  })
  const cutAll = (): void => sockets.forEach((socket) => socket.destroy())
  const server: ScriptedServer = {
    port: tcp.port,
    address: `127.0.0.1:${tcp.port}`,
    written,
    counts,
    script,
    cutAll,
    [Symbol.asyncDispose]: () => tcp.close(),
  }
  return server
}

function readFrames(socket: Socket, onRead: () => void, onRequest: (stream: number, request: Request) => void): void {
  let rest = Buffer.alloc(0)
  socket.on('data', (chunk: Buffer) => {
    onRead()
    rest = Buffer.concat([rest, chunk])
    for (let header = readFrameHeader(rest, 0); header && rest.length >= 9 + header.length; header = readFrameHeader(rest, 0)) {
      const decoded = decodeRequest(header.version, header.opcode, rest.subarray(9, 9 + header.length))
      rest = rest.subarray(9 + header.length)
      if (!decoded.ok) throw new Error(decoded.reason)
      onRequest(header.stream, decoded.request)
    }
  })
}

function answerTo(server: ScriptedServer, request: Request): Response | null | 'cut' {
  const { script } = server
  switch (request.opcode) {
    case 'STARTUP':
      return script.password === undefined
        ? { opcode: 'READY' }
        : { opcode: 'AUTHENTICATE', className: script.authenticator ?? 'org.apache.cassandra.auth.PasswordAuthenticator' }
    case 'AUTH_RESPONSE': {
      if (Buffer.from(request.token ?? []).toString() === 'PLAIN') return { opcode: 'AUTH_CHALLENGE', token: Buffer.from('PLAIN-START') }
      const isRight = Buffer.from(request.token ?? []).toString() === `\0user\0${script.password}`
      return isRight
        ? { opcode: 'AUTH_SUCCESS', token: null }
        : failure(errors.BAD_CREDENTIALS, 'Provided username user and/or password are incorrect')
    }
    case 'PREPARE':
      return script.prepare?.(++server.counts.prepares) ?? prepared
    case 'EXECUTE':
      return execute(server, request)
    case 'QUERY':
      return query(server, request.query)
    default:
      return { opcode: 'READY' }
  }
}

function execute(server: ScriptedServer, request: Execute): Response | null | 'cut' {
  const { values } = request.parameters
  const answer = server.script.execute ? server.script.execute(values, ++server.counts.executes) : done
  if (answer !== null && answer !== 'cut' && answer.opcode === 'RESULT') server.written.push(values.map(copy))
  return answer
}

function copy(value: BoundValue): BoundValue {
  return value instanceof Uint8Array ? Uint8Array.from(value) : value
}

const spec = (name: string, type: CqlType): ColumnSpec => ({ keyspace: 'ks', table: 'users', name, type })

const prepared: Response = {
  opcode: 'RESULT',
  kind: 'prepared',
  id: Buffer.from('0123456789abcdef'),
  bound: [...usersColumns.map(({ name, type }) => spec(name, type)), spec('[timestamp]', { is: 'bigint' })],
  pkIndexes: [0],
  columns: [],
}

function query(server: ScriptedServer, text: string): Response {
  const { dataCenter = 'datacenter1', tokens = ['0'], peers = [], schemaVersion = someSchema } = server.script
  const common = { data_center: { is: 'text' }, tokens: { is: 'set', of: { is: 'text' } }, schema_version: { is: 'uuid' } } as const
  if (text.includes('system.local')) return rows(common, [[dataCenter, tokens, schemaVersion]])
  if (text.includes('system_schema.keyspaces')) return rows({ keyspace_name: { is: 'text' } }, [['ks']])
  if (!text.includes('system.peers_v2')) return failure(errors.INVALID, 'not in the script')
  return rows(
    { ...common, native_address: { is: 'inet' }, native_port: { is: 'int' } },
    peers.map((peer) => [dataCenter, peer.tokens, peer.schemaVersion ?? schemaVersion, '127.0.0.1', peer.port]),
  )
}

const someSchema = '00000000-0000-4000-8000-000000000001'

function rows(types: Record<string, CqlType>, values: CqlValue[][]): Response {
  const columns = Object.entries(types).map(([name, type]) => spec(name, type))
  return {
    opcode: 'RESULT',
    kind: 'rows',
    columns,
    rows: values.map((row) => row.map((value, i) => encodeValue(columns[i]?.type ?? { is: 'text' }, value))),
    pagingState: null,
    noMetadata: false,
  }
}
