import { z } from 'zod'
import { MillraceError } from '../../platform/index.ts'
import { mayDo } from '../access/roles.ts'
import { followRecord } from '../data/follow-record.ts'
import { listTables, onlyReads, readRows, runCql, usesKeyspace, withoutTexts } from '../data/table-browser.ts'
import { hidesPersonal } from '../data/withheld.ts'
import { onlyReading } from '../http/problems.ts'
import { answer, type Route } from '../http/route.ts'
import type { ApiPorts } from '../ports.ts'
import { followedFlow, rows, tableSummary } from '../schemas/data.ts'

const tableParams = z.object({ keyspace: z.string(), table: z.string() })
const pageSize = z.coerce.number().int().min(1).max(5_000).default(100)
const key = z
  .string()
  .transform((text, context) => {
    try {
      return z.array(z.string()).parse(JSON.parse(text))
    } catch {
      context.addIssue({ code: 'custom', message: 'write a JSON array of texts, one for each column of the partition key' })
      return z.NEVER
    }
  })
  .optional()

/** Cassandra keeps the hashes of its users' passwords there (P8). */
const secretKeyspace = 'system_auth'
/** Cassandra's own: traces, batches and running queries have statements with their values in them. */
const ownKeyspace = /^system(?:_|$)/

export function tableRoutes(ports: Pick<ApiPorts, 'data' | 'project' | 'masking' | 'deadLetters'>): Route[] {
  return [...browseRoutes(ports), cqlRoute(ports), followRoute(ports)]
}

function browseRoutes({ data, project, masking }: Pick<ApiPorts, 'data' | 'project' | 'masking'>): Route[] {
  return [
    answer({
      method: 'GET',
      path: '/tables',
      summary: 'Tables with their columns and keys',
      role: 'viewer',
      query: z.strictObject({ system: z.stringbool().default(false) }),
      response: z.array(tableSummary),
      handle: async ({ query: { system } }) => listTables(await data.cassandra(), project(), system),
    }),
    answer({
      method: 'GET',
      path: '/tables/:keyspace/:table/rows',
      summary: 'Rows by pages: of a partition, or of the table in the order of its tokens',
      role: 'viewer',
      params: tableParams,
      query: z.strictObject({ key, pageSize, next: z.string().optional() }),
      response: rows,
      handle: async ({ params: { keyspace, table }, query, principal }) => {
        if (keyspace === secretKeyspace && !mayDo(principal, 'admin'))
          throw new MillraceError('FORBIDDEN', `${principal.name} is ${principal.role}; ${keyspace} needs the role admin.`)
        if (ownKeyspace.test(keyspace) && hidesPersonal(principal, masking()))
          throw new MillraceError('FORBIDDEN', `${keyspace} may have statements with personal values in it: it needs the role operator.`)
        const session = await data.cassandra()
        const info = await session.table(keyspace, table)
        if (info === null) throw new MillraceError('NOT_FOUND', `There is no table ${keyspace}.${table}.`)
        const page = { key: query.key ?? null, pageSize: query.pageSize, next: query.next ?? null }
        return readRows(session, masking(), info, page, principal.role === 'viewer')
      },
    }),
  ]
}

function cqlRoute({ data }: Pick<ApiPorts, 'data'>): Route {
  return answer({
    method: 'POST',
    path: '/cql',
    summary: 'Runs a CQL statement; what does not only read, or reads system_auth, needs the role admin',
    role: 'operator',
    action: 'cql',
    whenReadOnly: true,
    body: z.strictObject({ cql: z.string().min(1).max(1_000_000), pageSize, next: z.string().optional() }),
    response: rows,
    handle: async ({ body: { cql, pageSize, next }, principal, readOnly, note }) => {
      note({ target: withoutTexts(cql).trim().slice(0, 500) })
      if (readOnly && !onlyReads(cql)) throw onlyReading()
      if ((!onlyReads(cql) || cql.toLowerCase().includes(secretKeyspace)) && !mayDo(principal, 'admin'))
        throw new MillraceError(
          'FORBIDDEN',
          `${principal.name} is ${principal.role}; statements that change something, or read ${secretKeyspace}, need the role admin.`,
        )
      if (usesKeyspace(cql))
        throw new MillraceError('BAD_REQUEST', 'USE would set the keyspace for all who are here: write keyspace.table in each statement.')
      return runCql(await data.cassandra(), cql, pageSize, next ?? null)
    },
  })
}

function followRoute(ports: Pick<ApiPorts, 'data' | 'project' | 'masking' | 'deadLetters'>): Route {
  return answer({
    method: 'GET',
    path: '/follow',
    summary: 'Every stop that the records of a key made: run, topic, stream, row or dead letter',
    role: 'viewer',
    query: z.strictObject({ key: z.string().min(1).max(10_000) }),
    response: z.array(followedFlow),
    handle: ({ query, principal, signal }) => followRecord(ports.data, ports, query.key, principal.role === 'viewer', signal),
  })
}
