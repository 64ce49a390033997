import { consistencies, errors } from '../../cql-wire/index.ts'
import { CqlRefusal, invalid } from '../refusal.ts'

const serial: readonly number[] = [consistencies.SERIAL, consistencies.LOCAL_SERIAL]
const replicasWanted = new Map<number, number>([
  [consistencies.TWO, 2],
  [consistencies.THREE, 3],
])

/** One node cannot answer for two, whatever the keyspace's replication says. A quorum of what there is, it is. */
function refuseMoreThanOne(consistency: number): void {
  const required = replicasWanted.get(consistency)
  if (required === undefined) return
  throw new CqlRefusal(errors.UNAVAILABLE, `Cannot achieve consistency level with ${required} replicas: there is one`, {
    unavailable: { consistency, required, alive: 1 },
  })
}

export function checkRead(consistency: number): void {
  if (consistency === consistencies.ANY) throw invalid('ANY ConsistencyLevel is only supported for writes')
  refuseMoreThanOne(consistency)
}

export function checkWrite(consistency: number): void {
  if (serial.includes(consistency)) throw invalid('You must use conditional updates for serializable writes')
  refuseMoreThanOne(consistency)
}

export function checkBatch(consistency: number): void {
  refuseMoreThanOne(consistency)
}

/** @param serialConsistency of the paxos phase; null: SERIAL */
export function checkConditional(consistency: number, serialConsistency: number | null): void {
  if (serialConsistency !== null && !serial.includes(serialConsistency))
    throw invalid('Invalid consistency for conditional update. Must be one of SERIAL or LOCAL_SERIAL')
  if (consistency === consistencies.EACH_QUORUM) throw invalid('EACH_QUORUM is not supported for conditional updates')
  if (serial.includes(consistency)) throw invalid('SERIAL is not supported as conditional update commit consistency')
}
