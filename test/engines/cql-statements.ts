import { alterOf } from './cql-alters.ts'
import { generateTable, literalOf, literals, type GeneratedColumn, type GeneratedTable, type Random } from './cql-generator.ts'
import { jsonOfLiteral } from './cql-json.ts'
import { selectOf, type GeneratedIndex } from './cql-selects.ts'
import { clusteringRange, columnsOf, equals, slice } from './cql-where.ts'

export interface GeneratedStatement {
  readonly text: string
  /** Reads may be in flight together. */
  readonly isRead: boolean
  /** All pages of this size are asked for. */
  readonly pageSize: number | null
  /** Name of an index that is being built behind it. */
  readonly builds?: string
}

/** Statements on one generated table, as long as one asks for them. */
export class StatementGenerator {
  readonly table: GeneratedTable
  readonly #random: Random
  /** Lists are written with rising times: Cassandra orders their elements by the server's clock. */
  #clock = 100
  readonly #indexes: GeneratedIndex[] = []
  readonly #wantsIndexes: boolean
  #alters = 0

  constructor(random: Random, name: string) {
    this.#random = random
    this.table = generateTable(random, name)
    this.#wantsIndexes = random.chance(45)
  }

  next(): GeneratedStatement {
    const random = this.#random
    const dice = random.below(100)
    const of = (text: string, rest: Partial<GeneratedStatement> = {}): GeneratedStatement => ({
      text,
      isRead: false,
      pageSize: null,
      ...rest,
    })
    if (dice < 3) return of(this.#nonsense())
    if (dice < 50) {
      const text = selectOf(random, this.table, this.#indexes)
      return of(text, { isRead: true, pageSize: random.chance(20) && this.#pages(text) ? 1 + random.below(4) : null })
    }
    if (dice < 56) return of(this.table.isConditional ? this.#conditionalBatch() : this.#batch())
    if (this.#wantsIndexes && dice < 58) return this.#index(of)
    if (dice < 60) return of(this.#alter() ?? this.#modification(true))
    return of(this.#modification(true))
  }

  #alter(): string | null {
    return alterOf(this.#random, this.table, (name) => this.#indexes.some(({ column }) => column === name), this.#alters++)
  }

  /** Cassandra fails at the second page of groups without clustering columns, and loses rows behind the first where static columns are filtered. */
  #pages(text: string): boolean {
    if (text.includes('GROUP BY') && columnsOf(this.table, 'clustering').length === 0) return false
    const where = text.slice(text.indexOf(' WHERE '))
    return !columnsOf(this.table, 'static').some(({ name }) => where.includes(name))
  }

  /** CREATE INDEX on anything that may have one, seldom DROP INDEX. */
  #index(of: (text: string, rest?: Partial<GeneratedStatement>) => GeneratedStatement): GeneratedStatement {
    const random = this.#random
    const last = this.#indexes.at(-1)
    if (last && random.chance(15)) {
      this.#indexes.pop()
      return of(`DROP INDEX g.${this.#indexName(last)}`)
    }
    const column = random.pick(this.table.columns)
    const { name, type, holds, role } = column
    const isOnlyKey = role === 'partition' && columnsOf(this.table, 'partition').length === 1
    const isFrozen = type.startsWith('frozen') && !type.includes('tuple')
    const kinds = type.startsWith('map') ? (['keys', 'values', 'entries'] as const) : (['values'] as const)
    const index: GeneratedIndex = { column: name, kind: holds ? random.pick(kinds) : isFrozen ? 'full' : 'simple' }
    // Cassandra finds a decimal only as it was written: not 1.00 where 1.0 is asked for, though both are the same to it elsewhere. With any
    // index it shows a clustering decimal as it was written last, not first.
    if ([column, ...columnsOf(this.table, 'clustering')].some((each) => each.type === 'decimal')) return of(this.#modification(true))
    // By an index on a key column it misses rows whose cells were deleted by a later time than their marker has.
    if ((role === 'partition' || role === 'clustering') && !this.table.isConditional) return of(this.#modification(true))
    const isThere = this.#indexes.some(({ column, kind }) => column === name && kind === index.kind)
    if (!isThere && !isOnlyKey && type !== 'duration') this.#indexes.push(index)
    const target = index.kind === 'simple' ? name : `${index.kind}(${name})`
    return of(`CREATE INDEX ${this.#indexName(index)} ON ${this.table.name} (${target})`, { builds: this.#indexName(index) })
  }

  #indexName({ column, kind }: GeneratedIndex): string {
    return `${this.table.name.slice(this.table.name.indexOf('.') + 1)}_${column}_${kind}`
  }

  #value(column: GeneratedColumn): string {
    const isKey = column.role === 'partition' || column.role === 'clustering'
    return !isKey && this.#random.chance(12) ? 'null' : literalOf(this.#random, column.type)
  }

  #modification(timed: boolean): string {
    const dice = this.#random.below(100)
    if (dice < 45) return this.#insert(timed)
    if (dice < 72) return this.#update(timed)
    return this.#delete(timed)
  }

  /** USING TIMESTAMP, small and out of order, unless a list is written. */
  #using(timed: boolean, columns: readonly GeneratedColumn[], ttl: boolean): string {
    const random = this.#random
    const parts: string[] = []
    const rising = columns.some(({ type }) => type.startsWith('list'))
    if (timed && !this.table.isConditional) parts.push(`TIMESTAMP ${rising ? ++this.#clock : 1 + random.below(30)}`)
    if (ttl && random.chance(8)) parts.push(`TTL ${random.pick([0, 100_000])}`)
    return parts.length > 0 ? ` USING ${parts.join(' AND ')}` : ''
  }

  #insert(timed: boolean): string {
    const random = this.#random
    const isStaticOnly = columnsOf(this.table, 'static').length > 0 && random.chance(10)
    const keys = isStaticOnly ? columnsOf(this.table, 'partition') : columnsOf(this.table, 'partition', 'clustering')
    const others = random.some(
      isStaticOnly ? columnsOf(this.table, 'static') : columnsOf(this.table, 'static', 'regular'),
      isStaticOnly ? 1 : 0,
      4,
    )
    const columns = [...keys, ...others]
    const values = columns.map((column) => this.#value(column))
    const ifs = this.table.isConditional && random.chance(50) ? ' IF NOT EXISTS' : ''
    const json = random.chance(20) ? this.#json(columns, values) : null
    if (json !== null) {
      // Columns that are not named are written as null by default.
      const isUnset = random.chance(50)
      const written = isUnset ? others : this.table.columns
      return `INSERT INTO ${this.table.name} JSON '${json}'${isUnset ? ' DEFAULT UNSET' : ''}${ifs}${this.#using(timed, written, true)}`
    }
    return `INSERT INTO ${this.table.name} (${columns.map(({ name }) => name).join(', ')}) VALUES (${values.join(', ')})${ifs}${this.#using(timed, others, true)}`
  }

  #json(columns: readonly GeneratedColumn[], values: readonly string[]): string | null {
    const pairs = columns.map(({ name, type }, i) => ({ name, json: jsonOfLiteral(type, values[i] ?? 'null') }))
    return pairs.some(({ json }) => json === null) ? null : `{${pairs.map(({ name, json }) => `"${name}": ${json}`).join(', ')}}`
  }

  #assignment(column: GeneratedColumn): string {
    const random = this.#random
    const { name, type, holds } = column
    if (!holds || random.chance(35)) return `${name} = ${this.#value(column)}`
    const value = literalOf(random, type)
    if (type.startsWith('map')) {
      const key = literalOf(random, holds[0] ?? 'int')
      return random.pick([
        `${name} = ${name} + ${value}`,
        `${name}[${key}] = ${random.chance(15) ? 'null' : literalOf(random, holds[1] ?? 'int')}`,
        `${name} = ${name} - {${key}}`,
      ])
    }
    if (type.startsWith('set')) return `${name} = ${name} ${random.pick(['+', '-'])} ${value}`
    return random.pick([`${name} = ${name} + ${value}`, `${name} = ${value} + ${name}`, `${name} = ${name} - ${value}`])
  }

  #update(timed: boolean): string {
    const random = this.#random
    const isStatic = columnsOf(this.table, 'static').length > 0 && random.chance(20)
    const columns = random.some(isStatic ? columnsOf(this.table, 'static') : columnsOf(this.table, 'regular'), 1, 3)
    const assignments = columns.map((column) => this.#assignment(column)).join(', ')
    const where = equals(
      this.#random,
      isStatic ? columnsOf(this.table, 'partition') : columnsOf(this.table, 'partition', 'clustering'),
      this.table.isConditional ? 0 : 6,
    )
    const using = this.#using(timed, columns, true)
    return `UPDATE ${this.table.name}${using} SET ${assignments} WHERE ${where.join(' AND ')}${this.#condition(isStatic)}`
  }

  #condition(isStatic: boolean): string {
    const random = this.#random
    if (!this.table.isConditional || random.chance(40)) return ''
    if (random.chance(40)) return ' IF EXISTS'
    const asked = columnsOf(this.table, isStatic ? 'static' : 'regular', 'static').filter(
      ({ type, holds }) => holds || (literals[type] && type !== 'duration'),
    )
    if (asked.length === 0) return ' IF EXISTS'
    const conditions = random.some(asked, 1, 2).map((column) => {
      if (column.holds) return this.#elementCondition(column, column.holds)
      if (random.chance(15)) return `${column.name} IN (${this.#value(column)}, ${this.#value(column)})`
      const value = this.#value(column)
      return `${column.name} ${value === 'null' ? random.pick(['=', '!=']) : random.pick(['=', '=', '!=', '<', '>=', '>'])} ${value}`
    })
    return ` IF ${conditions.join(' AND ')}`
  }

  #elementCondition({ name, type }: GeneratedColumn, holds: readonly string[]): string {
    const random = this.#random
    const value = literalOf(random, holds.at(-1) ?? 'int')
    if (random.chance(30)) return `${name} CONTAINS ${value}`
    if (type.startsWith('list')) return `${name}[${random.below(3)}] ${random.pick(['=', '!=', '<'])} ${value}`
    // Greater and smaller values of a map Cassandra compares as if they were keys.
    if (type.startsWith('map')) return `${name}[${literalOf(random, holds[0] ?? 'int')}] ${random.pick(['=', '!='])} ${value}`
    return `${name} ${random.pick(['=', '!='])} ${literalOf(random, type)}`
  }

  #delete(timed: boolean): string {
    const random = this.#random
    const { name } = this.table
    const dice = random.below(100)
    if (dice < 30) {
      const isStatic = columnsOf(this.table, 'static').length > 0 && random.chance(25)
      const columns = random.some(isStatic ? columnsOf(this.table, 'static') : columnsOf(this.table, 'regular'), 1, 2)
      const deleted = columns.map((column) =>
        column.holds && !column.type.startsWith('list') && random.chance(50)
          ? `${column.name}[${literalOf(random, column.holds[0] ?? 'int')}]`
          : column.name,
      )
      const where = equals(
        this.#random,
        isStatic ? columnsOf(this.table, 'partition') : columnsOf(this.table, 'partition', 'clustering'),
        this.table.isConditional ? 0 : 6,
      )
      return `DELETE ${deleted.join(', ')} FROM ${name}${this.#using(timed, columns, false)} WHERE ${where.join(' AND ')}${this.#condition(isStatic)}`
    }
    const using = this.#using(timed, columnsOf(this.table, 'regular', 'static'), false)
    if (dice < 62) {
      const where = equals(this.#random, columnsOf(this.table, 'partition', 'clustering'), this.table.isConditional ? 0 : 8)
      return `DELETE FROM ${name}${using} WHERE ${where.join(' AND ')}${this.#condition(false)}`
    }
    const where = [
      ...equals(this.#random, columnsOf(this.table, 'partition'), 5),
      ...(dice < 92 ? clusteringRange(this.#random, this.table) : []),
    ]
    return `DELETE FROM ${name}${using} WHERE ${where.join(' AND ')}`
  }

  /** All on one partition, as it has to be; what is written without a condition goes with the others. */
  #conditionalBatch(): string {
    const random = this.#random
    const partition = columnsOf(this.table, 'partition').map(({ name, type }) => ({ name, value: literalOf(random, type) }))
    const clustering = columnsOf(this.table, 'clustering')
    // Cassandra doubles a list that is written twice at one time.
    const regulars = columnsOf(this.table, 'regular')
    const plain = regulars.filter(({ type }) => !type.startsWith('list'))
    const count = plain.length === 0 ? 1 : 1 + random.below(3)
    const statements = Array.from({ length: count }, () => {
      const keys = [...partition, ...clustering.map(({ name, type }) => ({ name, value: literalOf(random, type) }))]
      const where = keys.map(({ name, value }) => `${name} = ${value}`).join(' AND ')
      const column = random.pick(count === 1 ? regulars : plain)
      if (random.chance(35))
        return `INSERT INTO ${this.table.name} (${[...keys, column].map(({ name }) => name).join(', ')}) VALUES (${[...keys.map(({ value }) => value), this.#value(column)].join(', ')})${random.chance(50) ? ' IF NOT EXISTS' : ''}`
      if (random.chance(35)) return `DELETE FROM ${this.table.name} WHERE ${where}${this.#condition(false)}`
      return `UPDATE ${this.table.name} SET ${column.name} = ${this.#value(column)} WHERE ${where}${this.#condition(false)}`
    })
    return `BEGIN BATCH ${statements.join('; ')}; APPLY BATCH`
  }

  #batch(): string {
    const random = this.#random
    // Cassandra doubles a list that is written twice at one time.
    const isTimed = random.chance(50) && !this.table.columns.some(({ type }) => type.startsWith('list'))
    const statements = Array.from({ length: 2 + random.below(3) }, () => this.#modification(!isTimed))
    const kind = random.pick(['', 'UNLOGGED '])
    return `BEGIN ${kind}BATCH${isTimed ? ` USING TIMESTAMP ${++this.#clock}` : ''} ${statements.join('; ')}; APPLY BATCH`
  }

  /** Statements that are wrong in one way: the code of the refusal is compared. */
  #nonsense(): string {
    const random = this.#random
    const { name } = this.table
    const column = random.pick(this.table.columns)
    const at = this.table.isConditional ? '' : ` USING TIMESTAMP ${++this.#clock}`
    return random.pick([
      `SELECT nosuch FROM ${name}`,
      `SELECT * FROM ${name} WHERE ${column.type.includes('tuple') ? 'nosuch' : column.name} = ${literalOf(random, random.pick(['int', 'text', 'uuid', 'boolean']))}`,
      `INSERT INTO ${name} (${column.name}) VALUES (${literalOf(random, column.type)})${at}`,
      // Cassandra reads any constant as the text of a tuple.
      `UPDATE ${name}${at} SET ${column.type.includes('tuple') ? 'nosuch' : column.name} = ${literalOf(random, random.pick(['int', 'text', 'duration']))} WHERE ${equals(this.#random, columnsOf(this.table, 'partition'), 0).join(' AND ')}`,
      `DELETE ${column.name} FROM ${name} WHERE ${equals(this.#random, columnsOf(this.table, 'partition', 'clustering').slice(1), 0).join(' AND ') || 'nosuch = 1'}`,
      `SELECT * FROM ${name} WHERE ${slice(this.#random, column).join(' AND ')}`,
      `SELECT * FROM ${name} ORDER BY ${column.name}`,
      `SELECT sum(${column.name}), avg(${column.name}) FROM ${name}`,
    ])
  }
}
