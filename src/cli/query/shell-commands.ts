import { readFileSync } from 'node:fs'
import type { WriteConsistency } from '../../cql-client/index.ts'
import { messageOf, MillraceError } from '../../platform/index.ts'
import { formats } from './rows.ts'
import type { Manner } from './run.ts'

/** What a shell's own command did; `source`: statements of a file to be run next. */
export type Told = { is: 'said'; text: string } | { is: 'exit' } | { is: 'source'; text: string }

const consistencies: readonly WriteConsistency[] = ['ONE', 'LOCAL_ONE', 'QUORUM', 'LOCAL_QUORUM', 'ALL']

const help = `CQL statements end with a semicolon and may span lines. Tab completes keywords, keyspaces, tables and columns.
  DESCRIBE …             schema, as CQL: KEYSPACES, TABLES, TABLE ks.t, SCHEMA, …
  USE ks                 keyspace of tables that are named without one
  FORMAT table|json|csv  how rows are shown
  EXPAND on|off          a line for each column
  PAGING on|off|<rows>   rows of a page
  CONSISTENCY <level>    of reads and writes
  SOURCE '<file>'        runs the statements of a file
  EXIT                   or Ctrl-D; Ctrl-C gives up the statement that is typed
`

const bad = (message: string): MillraceError => new MillraceError('BAD_REQUEST', message)

/** Carries out one of the shell's own commands; null: it is none, and belongs to the server. @throws MillraceError BAD_REQUEST, NOT_FOUND */
export function shellCommand(statement: string, manner: Manner): Told | null {
  const [word = '', argument = ''] = statement
    .trim()
    .replace(/;$/, '')
    .split(/\s+(.*)/s, 2)
  const given = argument.trim()
  switch (word.toUpperCase()) {
    case 'EXIT':
    case 'QUIT':
      return { is: 'exit' }
    case 'HELP':
    case '?':
      return { is: 'said', text: help }
    case 'FORMAT':
      return setFormat(manner, given.toLowerCase())
    case 'EXPAND':
      return setExpand(manner, given.toLowerCase())
    case 'PAGING':
      return setPaging(manner, given.toLowerCase())
    case 'CONSISTENCY':
      return setConsistency(manner, given.toUpperCase())
    case 'SOURCE':
      return { is: 'source', text: readSource(given.replaceAll(/^'|'$/g, '')) }
    default:
      return null
  }
}

function setFormat(manner: Manner, given: string): Told {
  const format = formats.find((each) => each === given)
  if (!format && given !== '') throw bad(`FORMAT is one of ${formats.join(', ')}.`)
  if (format) manner.format = format
  return { is: 'said', text: `Rows are shown as ${manner.format}.\n` }
}

function setExpand(manner: Manner, given: string): Told {
  if (!['on', 'off', ''].includes(given)) throw bad('EXPAND is on or off.')
  manner.isExpanded = given === '' ? manner.isExpanded : given === 'on'
  return { is: 'said', text: `Expanded rows are ${manner.isExpanded ? 'on' : 'off'}.\n` }
}

/** Without paging all rows are fetched by large pages, and none is waited at. */
export const unpagedSize = 5_000

function setPaging(manner: Manner, given: string): Told {
  const size = given === 'on' ? 100 : given === 'off' ? unpagedSize : Number(given || manner.pageSize)
  if (!Number.isInteger(size) || size < 1) throw bad('PAGING is on, off, or the number of rows of a page.')
  manner.pageSize = size
  return { is: 'said', text: size === unpagedSize ? 'Paging is off.\n' : `Pages have ${size} rows.\n` }
}

function setConsistency(manner: Manner, given: string): Told {
  const level = consistencies.find((each) => each === given)
  if (!level && given !== '') throw bad(`CONSISTENCY is one of ${consistencies.join(', ')}.`)
  if (level) manner.consistency = level
  return { is: 'said', text: `Consistency is ${manner.consistency ?? 'as the settings say'}.\n` }
}

function readSource(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new MillraceError('NOT_FOUND', `SOURCE: ${messageOf(error)}`, { cause: error })
  }
}
