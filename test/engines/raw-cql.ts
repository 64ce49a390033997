import { connect, type Socket } from 'node:net'
import {
  consistencies,
  decodeResponse,
  encodeRequest,
  errors,
  frameHeaderBytes,
  readFrameHeader,
  type BatchRequest,
  type BatchStatement,
  type BoundValue,
  type EventResponse,
  type QueryParameters,
  type Request,
  type Response,
} from '../../src/cql-wire/index.ts'
import { parseHostPort } from '../../src/platform/index.ts'

/** CQL's protocol v4 as it is: no retries, nothing prepared in silence; many requests may be in flight. */
export interface RawCql extends Disposable {
  ask(request: Request): Promise<Response>
  query(query: string, parameters?: Partial<QueryParameters>): Promise<Response>
  execute(preparedId: Uint8Array, values: BoundValue[], parameters?: Partial<QueryParameters>): Promise<Response>
  batch(statements: BatchStatement[], rest?: Partial<BatchRequest>): Promise<Response>
  /** Events in the order of their arrival. */
  readonly events: EventResponse[]
  /** What came beside answers, in the order of their arrival. */
  readonly warnings: string[]
}

const version = 4
const lastStream = 0x7fff

export const plain: QueryParameters = {
  consistency: consistencies.ONE,
  values: [],
  names: null,
  skipMetadata: false,
  pageSize: null,
  pagingState: null,
  serialConsistency: null,
  timestampMicros: null,
}

export async function connectRawCql(contactPoint: string): Promise<RawCql> {
  const { host, port } = parseHostPort(contactPoint, 9042)
  const socket = connect({ host, port, noDelay: true })
  await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject))
  const events: EventResponse[] = []
  const pending = new Map<number, PromiseWithResolvers<Response>>()
  const warnings: string[] = []
  receive(socket, pending, events, warnings)
  let stream = 0
  const ask = (request: Request): Promise<Response> => {
    stream = (stream + 1) % lastStream
    const answer = Promise.withResolvers<Response>()
    pending.set(stream, answer)
    socket.write(encodeRequest(version, stream, request))
    return answer.promise
  }
  await ask({ opcode: 'STARTUP', options: new Map([['CQL_VERSION', '3.0.0']]) })
  return {
    ask,
    events,
    warnings,
    query: (query, parameters = {}) => ask({ opcode: 'QUERY', query, parameters: { ...plain, ...parameters } }),
    execute: (preparedId, values, parameters = {}) =>
      ask({ opcode: 'EXECUTE', preparedId, parameters: { ...plain, ...parameters, values } }),
    batch: (statements, rest = {}) =>
      ask({
        opcode: 'BATCH',
        type: 'logged',
        statements,
        consistency: consistencies.ONE,
        serialConsistency: null,
        timestampMicros: null,
        ...rest,
      }),
    [Symbol.dispose]: () => void socket.destroy(),
  }
}

function receive(socket: Socket, pending: Map<number, PromiseWithResolvers<Response>>, events: EventResponse[], warnings: string[]): void {
  let received: Buffer = Buffer.alloc(0)
  const take = (): boolean => {
    const header = readFrameHeader(received, 0)
    if (!header || received.length < frameHeaderBytes + header.length) return false
    const body = Buffer.from(received.subarray(frameHeaderBytes, frameHeaderBytes + header.length))
    received = received.subarray(frameHeaderBytes + header.length)
    const decoded = decodeResponse(header.version, header.opcode, body, header.flags)
    const response: Response = decoded.ok
      ? decoded.response
      : { opcode: 'ERROR', code: errors.PROTOCOL_ERROR, message: `cannot be decoded: ${decoded.reason}` }
    if (decoded.ok) warnings.push(...decoded.warnings)
    if (response.opcode === 'EVENT') events.push(response)
    else pending.get(header.stream)?.resolve(response)
    pending.delete(header.stream)
    return true
  }
  socket.on('data', (chunk: Buffer) => {
    received = received.length > 0 ? Buffer.concat([received, chunk]) : chunk
    while (take());
  })
  const onClose = (): void => {
    for (const { reject } of pending.values()) reject(new Error('the server closed the connection'))
    pending.clear()
  }
  socket.on('close', onClose).on('error', onClose)
}
