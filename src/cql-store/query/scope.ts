import type { BoundValue, ColumnSpec, CqlType } from '../../cql-wire/index.ts'
import { invalid } from '../refusal.ts'

/** What a statement is carried out with. */
export interface Scope {
  /** One for each bind marker. */
  values: readonly BoundValue[]
  /** The write time: from the frame, else the server's own, strictly rising. Microseconds. */
  timestamp: bigint
  /** What a conditional statement deletes goes a microsecond before what it writes, as Cassandra's Paxos has it. */
  isConditional?: true
  /** The server's own time, never the same twice: elements of a list stand in the order in which they were added. Microseconds. */
  serverMicros: () => bigint
  /** The server's time, for expiry. Seconds since 1970. */
  nowSeconds: number
  /** The server's time, for functions. Milliseconds since 1970. */
  nowMs: number
}

/** A column or another place that takes a value: what a bind marker there is called and of which type it is. */
export interface Receiver {
  name: string
  type: CqlType
}

const maxNameBytes = 0xffff

/** @throws CqlRefusal for the name of a column of an answer that no frame can hold (a [string], CQL v4 §3) */
export function checkName(name: string): void {
  if (name.length * 3 > maxNameBytes && Buffer.byteLength(name) > maxNameBytes) throw invalid(`A name is longer than ${maxNameBytes} bytes`)
}

/** The bind markers of a statement, typed as its parts are compiled. */
export class Binds {
  readonly #names: readonly (string | null)[]
  readonly #table: { keyspace: string; name: string }
  readonly #specs: (ColumnSpec | undefined)[]

  constructor(names: readonly (string | null)[], table: { keyspace: string; name: string }, specs?: (ColumnSpec | undefined)[]) {
    this.#names = names
    this.#table = table
    this.#specs = specs ?? names.map(() => undefined)
  }

  /** The same markers for a part of the statement that is about another table. */
  of(table: { keyspace: string; name: string }): Binds {
    return new Binds(this.#names, table, this.#specs)
  }

  bind(index: number, receiver: Receiver): void {
    checkName(this.#names[index] ?? receiver.name)
    this.#specs[index] = {
      keyspace: this.#table.keyspace,
      table: this.#table.name,
      name: this.#names[index] ?? receiver.name,
      type: receiver.type,
    }
  }

  specs(): ColumnSpec[] {
    return this.#specs.map((spec, i) => {
      if (!spec) throw invalid(`The type of bind marker ${i} cannot be determined`)
      return spec
    })
  }

  /** For each name of a partition key, the marker that gives it; empty unless all are given by one. */
  static keyIndexes(specs: readonly ColumnSpec[], markers: readonly (number | null)[]): number[] {
    const indexes = markers.filter((marker) => marker !== null && marker < specs.length)
    return indexes.length === markers.length ? indexes.filter((marker) => marker !== null) : []
  }
}
