import { errorCodes, findCoordinator } from '../../kafka-wire/index.ts'
import { handler, nodeId, type RequestContext } from './handler.ts'

const groupKeyType = 0
const transactionKeyType = 1

/** There is one broker, so it coordinates every group and every transaction; several keys at once from version 4 on (KIP-699). */
export const findCoordinatorHandler = handler(findCoordinator, [0, 6], async (request, { broker, advertised, apiVersion }) => {
  const refused = await refusal(request.keyType, broker)
  const node = refused ? { nodeId: -1, host: '', port: -1 } : { nodeId, host: advertised.host, port: advertised.port }
  const answer = { errorCode: refused?.errorCode ?? errorCodes.NONE, errorMessage: refused?.message ?? null, ...node }
  if (apiVersion >= 4) return { throttleTimeMs: 0, coordinators: request.coordinatorKeys.map((key) => ({ key, ...answer })) }
  return { throttleTimeMs: 0, ...answer }
})

async function refusal(keyType: number, broker: RequestContext['broker']): Promise<{ errorCode: number; message: string } | null> {
  if (keyType === transactionKeyType && !(await broker.transactions.ready()))
    return { errorCode: errorCodes.COORDINATOR_NOT_AVAILABLE, message: '__transaction_state could not be made' }
  if (keyType === transactionKeyType) return null
  if (keyType !== groupKeyType) return { errorCode: errorCodes.INVALID_REQUEST, message: `coordinators of key type ${keyType} are unknown` }
  return (await broker.groups.ready())
    ? null
    : { errorCode: errorCodes.COORDINATOR_NOT_AVAILABLE, message: '__consumer_offsets could not be made' }
}
