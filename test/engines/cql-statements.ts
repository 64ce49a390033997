import {
  generateTable,
  literalOf,
  literals,
  type ColumnRole,
  type GeneratedColumn,
  type GeneratedTable,
  type Random,
} from './cql-generator.ts'

/** Statements on one generated table, as long as one asks for them. */
export class StatementGenerator {
  readonly table: GeneratedTable
  readonly #random: Random
  /** Lists are written with rising times: Cassandra orders their elements by the server's clock. */
  #clock = 100

  constructor(random: Random, name: string) {
    this.#random = random
    this.table = generateTable(random, name)
  }

  next(): string {
    const random = this.#random
    const dice = random.below(100)
    if (dice < 3) return this.#nonsense()
    if (dice < 50) return this.#select()
    if (dice < 56 && !this.table.isConditional) return this.#batch()
    return this.#modification(true)
  }

  #of(...roles: ColumnRole[]): GeneratedColumn[] {
    return this.table.columns.filter(({ role }) => roles.includes(role))
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
    const isStaticOnly = this.#of('static').length > 0 && random.chance(10)
    const keys = isStaticOnly ? this.#of('partition') : this.#of('partition', 'clustering')
    const others = random.some(isStaticOnly ? this.#of('static') : this.#of('static', 'regular'), isStaticOnly ? 1 : 0, 4)
    const columns = [...keys, ...others]
    const values = columns.map((column) => this.#value(column)).join(', ')
    const ifs = this.table.isConditional && random.chance(50) ? ' IF NOT EXISTS' : ''
    return `INSERT INTO ${this.table.name} (${columns.map(({ name }) => name).join(', ')}) VALUES (${values})${ifs}${this.#using(timed, others, true)}`
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

  #equals(columns: readonly GeneratedColumn[], inPercent: number): string[] {
    const random = this.#random
    return columns.map((column) => {
      if (!random.chance(inPercent)) return `${column.name} = ${literalOf(random, column.type)}`
      const items = Array.from({ length: 1 + random.below(3) }, () => literalOf(random, column.type))
      return `${column.name} IN (${items.join(', ')})`
    })
  }

  #update(timed: boolean): string {
    const random = this.#random
    const isStatic = this.#of('static').length > 0 && random.chance(20)
    const columns = random.some(isStatic ? this.#of('static') : this.#of('regular'), 1, 3)
    const assignments = columns.map((column) => this.#assignment(column)).join(', ')
    const where = this.#equals(isStatic ? this.#of('partition') : this.#of('partition', 'clustering'), this.table.isConditional ? 0 : 6)
    const using = this.#using(timed, columns, true)
    return `UPDATE ${this.table.name}${using} SET ${assignments} WHERE ${where.join(' AND ')}${this.#condition(isStatic)}`
  }

  #condition(isStatic: boolean): string {
    const random = this.#random
    if (!this.table.isConditional || random.chance(40)) return ''
    if (random.chance(40)) return ' IF EXISTS'
    const plain = this.#of(isStatic ? 'static' : 'regular', 'static').filter(({ type }) => literals[type] && type !== 'duration')
    if (plain.length === 0) return ' IF EXISTS'
    const conditions = random.some(plain, 1, 2).map((column) => {
      const value = this.#value(column)
      return `${column.name} ${value === 'null' ? random.pick(['=', '!=']) : random.pick(['=', '=', '!=', '<', '>=', '>'])} ${value}`
    })
    return ` IF ${conditions.join(' AND ')}`
  }

  #delete(timed: boolean): string {
    const random = this.#random
    const { name } = this.table
    const dice = random.below(100)
    if (dice < 30) {
      const isStatic = this.#of('static').length > 0 && random.chance(25)
      const columns = random.some(isStatic ? this.#of('static') : this.#of('regular'), 1, 2)
      const deleted = columns.map((column) =>
        column.holds && !column.type.startsWith('list') && random.chance(50)
          ? `${column.name}[${literalOf(random, column.holds[0] ?? 'int')}]`
          : column.name,
      )
      const where = this.#equals(isStatic ? this.#of('partition') : this.#of('partition', 'clustering'), this.table.isConditional ? 0 : 6)
      return `DELETE ${deleted.join(', ')} FROM ${name}${this.#using(timed, columns, false)} WHERE ${where.join(' AND ')}${this.#condition(isStatic)}`
    }
    const using = this.#using(timed, this.#of('regular', 'static'), false)
    if (dice < 62) {
      const where = this.#equals(this.#of('partition', 'clustering'), this.table.isConditional ? 0 : 8)
      return `DELETE FROM ${name}${using} WHERE ${where.join(' AND ')}${this.#condition(false)}`
    }
    const where = [...this.#equals(this.#of('partition'), 5), ...(dice < 92 ? this.#clusteringRange() : [])]
    return `DELETE FROM ${name}${using} WHERE ${where.join(' AND ')}`
  }

  /** Equalities on the first clustering columns, then perhaps a slice. */
  #clusteringRange(): string[] {
    const random = this.#random
    const clustering = this.#of('clustering')
    if (clustering.length === 0) return []
    const count = random.below(clustering.length + 1)
    const where = this.#equals(clustering.slice(0, count), 15)
    const next = clustering[count]
    return next && random.chance(75) ? [...where, ...this.#slice(next)] : where
  }

  #slice(column: GeneratedColumn): string[] {
    const random = this.#random
    const bound = (ops: readonly string[]): string => `${column.name} ${random.pick(ops)} ${literalOf(random, column.type)}`
    const lower = bound(['>', '>='])
    const upper = bound(['<', '<='])
    return random.pick([[lower], [upper], [lower, upper]])
  }

  #batch(): string {
    const random = this.#random
    // Cassandra doubles a list that is written twice at one time.
    const isTimed = random.chance(50) && !this.table.columns.some(({ type }) => type.startsWith('list'))
    const statements = Array.from({ length: 2 + random.below(3) }, () => this.#modification(!isTimed))
    const kind = random.pick(['', 'UNLOGGED '])
    return `BEGIN ${kind}BATCH${isTimed ? ` USING TIMESTAMP ${++this.#clock}` : ''} ${statements.join('; ')}; APPLY BATCH`
  }

  #select(): string {
    const random = this.#random
    const partition = this.#of('partition').map(({ name }) => name)
    const filters: string[] = []
    let order = ''
    const shape = random.below(100)
    if (shape < 15) filters.push()
    else if (shape < 28) filters.push(...this.#tokenRange(partition))
    else if (shape < 80) {
      const keys = this.#equals(this.#of('partition'), 15)
      filters.push(...keys, ...(random.chance(70) ? this.#clusteringRange() : []), ...(random.chance(8) ? this.#tuple() : []))
      if (random.chance(25)) order = this.#order()
    } else filters.push(...random.some(this.table.columns, 1, 3).flatMap((column) => this.#filter(column)))
    const where = filters.length > 0 ? ` WHERE ${filters.join(' AND ')}` : ''
    const per = random.chance(10) ? ` PER PARTITION LIMIT ${1 + random.below(3)}` : ''
    const limit = random.chance(20) ? ` LIMIT ${1 + random.below(5)}` : ''
    const allow = shape >= 80 ? (random.chance(90) ? ' ALLOW FILTERING' : '') : random.chance(10) ? ' ALLOW FILTERING' : ''
    return `SELECT ${this.#selected(partition)} FROM ${this.table.name}${where}${this.#group()}${order}${per}${limit}${allow}`
  }

  #group(): string {
    const random = this.#random
    if (!random.chance(6)) return ''
    const keys = this.#of('partition', 'clustering')
    const least = this.#of('partition').length
    return ` GROUP BY ${keys.slice(0, least + random.below(keys.length - least + 1)).map(({ name }) => name).join(', ')}` // prettier-ignore
  }

  #tokenRange(partition: readonly string[]): string[] {
    const random = this.#random
    const token = `token(${partition.join(', ')})`
    const at = (): string =>
      random.pick(['0', '-4069959284402364209', '5000000000000000000', '-9223372036854775808', '9223372036854775807'])
    return random.pick([[`${token} > ${at()}`], [`${token} <= ${at()}`], [`${token} >= ${at()}`, `${token} < ${at()}`]])
  }

  #tuple(): string[] {
    const random = this.#random
    const clustering = this.#of('clustering')
    if (clustering.length === 0) return []
    const columns = clustering.slice(0, 1 + random.below(clustering.length))
    const values = columns.map(({ type }) => literalOf(random, type)).join(', ')
    return [`(${columns.map(({ name }) => name).join(', ')}) ${random.pick(['>', '>=', '<', '<=', '='])} (${values})`]
  }

  #order(): string {
    const random = this.#random
    const clustering = this.#of('clustering')
    if (clustering.length === 0) return ''
    const isReversed = random.chance(60)
    const columns = clustering.slice(0, 1 + random.below(clustering.length))
    const parts = columns.map(({ name, descending }) => `${name} ${descending !== isReversed ? 'DESC' : 'ASC'}`)
    return ` ORDER BY ${parts.join(', ')}`
  }

  #filter(column: GeneratedColumn): string[] {
    const random = this.#random
    const { name, type, holds } = column
    if (holds) {
      const value = literalOf(random, holds.at(-1) ?? 'int')
      if (type.startsWith('map') && random.chance(50)) return [`${name} CONTAINS KEY ${literalOf(random, holds[0] ?? 'int')}`]
      return [`${name} CONTAINS ${value}`]
    }
    if (type === 'duration') return [`${name} = ${literalOf(random, type)}`]
    return random.chance(50) ? this.#equals([column], 20) : this.#slice(column)
  }

  #selected(partition: readonly string[]): string {
    const random = this.#random
    const dice = random.below(100)
    if (dice < 55) return '*'
    if (dice < 62) return `DISTINCT ${[...partition, ...random.some(this.#of('static'), 0, 1).map(({ name }) => name)].join(', ')}`
    if (dice < 72) return this.#aggregates()
    if (dice < 80) return `${partition.join(', ')}, token(${partition.join(', ')})`
    const plain = this.#of('static', 'regular').filter(({ holds }) => !holds)
    if (dice < 88 && plain.length > 0 && !this.table.isConditional) {
      const { name } = random.pick(plain)
      return `${name}, writetime(${name})`
    }
    if (dice < 92) return `JSON ${random.some(this.table.columns, 1, 3).map(({ name }) => name).join(', ')}` // prettier-ignore
    return random.some(this.table.columns, 1, 4).map(({ name }) => name).join(', ') // prettier-ignore
  }

  /** Of a timeuuid Cassandra says a type that is none. */
  #aggregates(): string {
    const columns = this.table.columns.filter(({ holds, type }) => !holds && type !== 'timeuuid')
    return columns.length > 0 ? `count(*), ${this.#random.pick(['min', 'max', 'count'])}(${this.#random.pick(columns).name})` : 'count(*)'
  }

  /** Statements that are wrong in one way: the code of the refusal is compared. */
  #nonsense(): string {
    const random = this.#random
    const { name } = this.table
    const column = random.pick(this.table.columns)
    return random.pick([
      `SELECT nosuch FROM ${name}`,
      `SELECT * FROM ${name} WHERE ${column.name} = ${literalOf(random, random.pick(['int', 'text', 'uuid', 'boolean']))}`,
      `INSERT INTO ${name} (${column.name}) VALUES (${literalOf(random, column.type)})`,
      // Cassandra reads any constant as the text of a tuple.
      `UPDATE ${name} SET ${column.type.includes('tuple') ? 'nosuch' : column.name} = ${literalOf(random, random.pick(['int', 'text', 'duration']))} WHERE ${this.#equals(this.#of('partition'), 0).join(' AND ')}`,
      `DELETE ${column.name} FROM ${name} WHERE ${this.#equals(this.#of('partition', 'clustering').slice(1), 0).join(' AND ') || 'nosuch = 1'}`,
      `SELECT * FROM ${name} WHERE ${this.#slice(column).join(' AND ')}`,
      `SELECT * FROM ${name} ORDER BY ${column.name}`,
      `SELECT sum(${column.name}), avg(${column.name}) FROM ${name}`,
    ])
  }
}
