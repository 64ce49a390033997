import { syntaxError, type CqlRefusal } from '../refusal.ts'

export type TokenKind = 'name' | 'quoted' | 'string' | 'integer' | 'float' | 'uuid' | 'blob' | 'duration' | 'op' | 'end'

export interface Token {
  kind: TokenKind
  /** As meant: quotes and escapes resolved, names in lower case unless quoted. */
  text: string
  /** As written, for messages. */
  raw: string
  /** Position in the statement. */
  at: number
}

const pattern = new RegExp(
  [
    String.raw`(?<space>\s+|--[^\n]*|//[^\n]*|/\*[\s\S]*?\*/)`,
    String.raw`(?<string>'(?:[^']|'')*'|\$\$[\s\S]*?\$\$)`,
    String.raw`(?<quoted>"(?:[^"]|"")+")`,
    String.raw`(?<uuid>[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12})`,
    String.raw`(?<blob>0[xX][0-9a-fA-F]*(?![0-9a-zA-Z_]))`,
    String.raw`(?<duration>(?:\d+(?:[yY]|[mM][oO]|[wW]|[dD]|[hH]|[mM][sS]|[uUµ][sS]|[nN][sS]|[mM]|[sS]))+(?![0-9a-zA-Z_])|P(?=[\dT])(?:\d+[YMDW])*(?:T(?:\d+[HMS])+)?(?![0-9a-zA-Z_]))`,
    String.raw`(?<float>\d+\.(?!\.)\d*(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+)`,
    String.raw`(?<integer>\d+)`,
    String.raw`(?<name>[A-Za-z][A-Za-z0-9_]*)`,
    String.raw`(?<op><=|>=|!=|\+=|-=|\.\.|[-+*/%=<>(),;:.?{}[\]])`,
  ].join('|'),
  'y',
)

const kinds = ['string', 'quoted', 'uuid', 'blob', 'duration', 'float', 'integer', 'name', 'op'] as const

/** Splits a statement; the last token is `end`. @throws CqlRefusal SYNTAX_ERROR at a character that begins nothing */
export function tokenize(statement: string): Token[] {
  const tokens: Token[] = []
  let at = 0
  while (at < statement.length) {
    pattern.lastIndex = at
    const groups = pattern.exec(statement)?.groups
    if (!groups) throw errorAt(statement, at, `no viable alternative at character '${statement[at]}'`)
    const start = at
    at = pattern.lastIndex
    const kind = kinds.find((name) => groups[name] !== undefined)
    if (kind) tokens.push({ kind, text: meaning(kind, groups[kind] ?? ''), raw: groups[kind] ?? '', at: start })
  }
  tokens.push({ kind: 'end', text: '<EOF>', raw: '<EOF>', at: statement.length })
  return tokens
}

function meaning(kind: TokenKind, raw: string): string {
  if (kind === 'name') return raw.toLowerCase()
  if (kind === 'quoted') return raw.slice(1, -1).replaceAll('""', '"')
  if (kind === 'string') return raw.startsWith("'") ? raw.slice(1, -1).replaceAll("''", "'") : raw.slice(2, -2)
  return raw
}

/** A syntax error at a position, counted in lines from 1 and columns from 0. */
export function errorAt(statement: string, at: number, message: string): CqlRefusal {
  const before = statement.slice(0, at)
  const line = before.split('\n').length
  return syntaxError(line, at - (before.lastIndexOf('\n') + 1), message)
}
