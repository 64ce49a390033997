import type { TableDef } from '../../src/core/index.ts'
import { connectRawCql, type RawCql } from './raw-cql.ts'

/** What one node has done for a table since it was started. */
export interface NodeWrites {
  /** Writes that a client sent to this node. */
  readonly coordinated: number
  /** Writes that this node keeps itself. */
  readonly kept: number
}

/** By Cassandra's own counters; `system_views` are of the node that is asked. */
export async function writesOf(contactPoint: string, table: TableDef): Promise<NodeWrites> {
  using node = await connectRawCql(contactPoint)
  return { coordinated: await counted(node, 'coordinator_write_latency', table), kept: await counted(node, 'local_write_latency', table) }
}

async function counted(node: RawCql, view: string, { keyspace, name }: TableDef): Promise<number> {
  const answer = await node.query(`SELECT count FROM system_views.${view} WHERE keyspace_name = '${keyspace}' AND table_name = '${name}'`)
  if (answer.opcode === 'ERROR') throw new Error(answer.message)
  const cell = answer.opcode === 'RESULT' && answer.kind === 'rows' ? answer.rows[0]?.[0] : null
  return cell ? Number(Buffer.from(cell).readBigInt64BE()) : 0
}
