import { encodeResponseFrame, WireError, type Api } from '../../kafka-wire/index.ts'
import { MillraceError, type Clock, type Logger } from '../../platform/index.ts'
import type { GroupCoordinator } from '../groups/coordinator.ts'
import type { SaslSession } from '../security/sasl-session.ts'
import type { ScramCredentials } from '../security/scram-credentials.ts'
import type { BrokerConfig } from '../topics/broker-configs.ts'
import type { Catalogue } from '../topics/catalogue.ts'
import type { Topics } from '../topics/topics.ts'
import type { TransactionCoordinator } from '../transactions/coordinator.ts'
import type { FetchSessions } from './fetch-sessions.ts'

/** What the requests work on. */
export interface BrokerState {
  readonly clusterId: string
  readonly config: BrokerConfig
  readonly clock: Clock
  readonly log: Logger
  readonly catalogue: Catalogue
  readonly topics: Topics
  readonly groups: GroupCoordinator
  readonly transactions: TransactionCoordinator
  readonly scram: ScramCredentials
  readonly fetchSessions: FetchSessions
}

/** Who asks, and how it was reached. */
export interface RequestContext {
  readonly broker: BrokerState
  readonly apiVersion: number
  readonly clientId: string
  readonly clientHost: string
  /** Where clients of this listener find the broker. */
  readonly advertised: { readonly host: string; readonly port: number }
  readonly sasl: SaslSession
  /** Aborts when the connection is gone: nobody waits for the answer any more. */
  readonly gone: AbortSignal
}

/** Frames of the answer, or null when there is none (acks=0). */
export type Answer = Uint8Array[] | null

export interface Handler {
  readonly key: number
  readonly name: string
  /** What ApiVersions says. */
  readonly advertised: readonly [min: number, max: number]
  /** @throws WireError when the body is not what its version says */
  answer(correlationId: number, body: Uint8Array, context: RequestContext): Answer | Promise<Answer>
}

/** This broker's number. */
export const nodeId = 1

/** One request: decodes, handles, encodes. `handle` returns null for no answer at all. */
export function handler<Req, Res, SparseReq, SparseRes>(
  api: Api<Req, Res, SparseReq, SparseRes>,
  advertised: readonly [number, number],
  handle: (request: Req, context: RequestContext) => NoInfer<SparseRes> | null | Promise<NoInfer<SparseRes> | null>,
): Handler {
  return {
    key: api.key,
    name: api.name,
    advertised,
    answer(correlationId, body, context) {
      const version = context.apiVersion
      const request = api.request.decode(version, body)
      if (!request.ok) throw new WireError(`${api.name} ${version}: ${request.reason}`)
      const encode = (response: SparseRes | null): Answer => (response === null ? null : encoded(api, version, correlationId, response))
      const response = handle(request.body, context)
      return response instanceof Promise ? response.then(encode) : encode(response)
    },
  }
}

/** An answer that its version cannot express is a bug of ours, not bad bytes of the client's. */
function encoded<Req, Res, SparseReq, SparseRes>(
  api: Api<Req, Res, SparseReq, SparseRes>,
  version: number,
  correlationId: number,
  response: NoInfer<SparseRes>,
): Answer {
  try {
    return encodeResponseFrame(api, version, correlationId, response)
  } catch (error) {
    throw new MillraceError('INTERNAL', `The answer to ${api.name} ${version} could not be encoded.`, { cause: error })
  }
}
