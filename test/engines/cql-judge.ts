import { isDeepStrictEqual } from 'node:util'
import { errors, type Response } from '../../src/cql-wire/index.ts'
import { comparable } from './cql-actions.ts'
import { randomOf } from './cql-generator.ts'
import { StatementGenerator, type GeneratedStatement } from './cql-statements.ts'
import type { RawCql } from './raw-cql.ts'

export interface Found {
  seed: number
  table: string
  statement: string
  ours: unknown
  theirs: unknown
  /** What had been written before. */
  written: string[]
}

export interface Judged {
  asked: number
  /** Statements that Cassandra itself failed at: they say nothing about what is right. */
  failed: number
  found: Found | null
}

const mostPages = 200

function hasFailed(answers: readonly Response[]): boolean {
  return answers.some((answer) => answer.opcode === 'ERROR' && (answer.code === errors.READ_FAILURE || answer.code === errors.SERVER_ERROR))
}

/** All answers of a statement: one, or one for each page. */
async function answersOf(cql: RawCql, { text, pageSize }: GeneratedStatement): Promise<Response[]> {
  const answers: Response[] = []
  let pagingState: Uint8Array | null = null
  do {
    const answer: Response = await cql.query(text, { pageSize, pagingState })
    answers.push(answer)
    pagingState = answer.opcode === 'RESULT' && answer.kind === 'rows' ? answer.pagingState : null
  } while (pagingState && answers.length < mostPages)
  return answers
}

/** Cassandra builds an index behind its CREATE: until then it answers reads by it with a failure. */
async function untilBuilt(theirs: RawCql, index: string): Promise<void> {
  const query = `SELECT index_name FROM system."IndexInfo" WHERE table_name = 'g' AND index_name = '${index}'`
  for (;;) {
    const answer = await theirs.query(query)
    if (answer.opcode !== 'RESULT' || answer.kind !== 'rows' || answer.rows.length > 0) return
  }
}

/** Generated statements on one table of the keyspace `g`, on both systems, until their answers differ. Reads between two writes go together. */
export async function judgeTable(ours: RawCql, theirs: RawCql, seed: number, table: number, statements: number): Promise<Judged> {
  const generator = new StatementGenerator(randomOf(seed * 1000 + table), `g.t${table}`)
  const { create } = generator.table
  const written: string[] = []
  let failed = 0
  let asked = 0
  const compare = async (statement: GeneratedStatement): Promise<Found | null> => {
    const [our, their] = await Promise.all([answersOf(ours, statement), answersOf(theirs, statement)])
    if (hasFailed(their)) {
      failed++
      return null
    }
    const isDone = our.every(({ opcode }) => opcode !== 'ERROR')
    const [a, b] = [our.map(comparable), their.map(comparable)]
    const of = statement.pageSize === null ? statement.text : `${statement.text} // by ${statement.pageSize}`
    if (!isDeepStrictEqual(a, b)) return { seed, table: create, statement: of, ours: a, theirs: b, written }
    if (statement.builds !== undefined && isDone) await untilBuilt(theirs, statement.builds)
    if (!statement.isRead && isDone) written.push(statement.text)
    return null
  }
  let next: GeneratedStatement = { text: create, isRead: false, pageSize: null }
  while (asked < statements) {
    const together = [next]
    for (next = generator.next(); next.isRead && together[0]?.isRead === true; next = generator.next()) together.push(next)
    asked += together.length
    const results = await Promise.all(together.map(compare))
    const found = results.find((result) => result !== null)
    if (found) return { asked, failed, found }
  }
  return { asked, failed, found: null }
}
