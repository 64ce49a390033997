import type { CqlType } from '../../cql-client/index.ts'
import { describeType, type FieldType } from '../../core/index.ts'
import { MillraceError } from '../../platform/index.ts'

/**
 * The CQL type of a column for a field of this type. Lists and maps are frozen: a row is always written as a whole, and a
 * frozen collection leaves no tombstone. Throws DEFINITION_INVALID naming the type for what has no column type.
 */
export function cqlTypeOf(type: FieldType): CqlType {
  switch (type.is) {
    case 'text':
    case 'enum':
      return { is: 'text' }
    case 'bool':
      return { is: 'boolean' }
    case 'int32':
      return { is: 'int' }
    case 'int64':
      return { is: 'bigint' }
    case 'bytes':
      return { is: 'blob' }
    case 'uuid':
    case 'double':
    case 'date':
    case 'timestamp':
    case 'decimal':
      return { is: type.is }
    case 'list':
      return { is: 'list', of: cqlTypeOf(type.of), frozen: true }
    case 'map':
      return { is: 'map', key: { is: 'text' }, value: cqlTypeOf(type.of), frozen: true }
    case 'struct':
      throw new MillraceError(
        'DEFINITION_INVALID',
        `${describeType(type)} has no column type in Cassandra: flatten it into fields of its own, or keep it as JSON text.`,
      )
  }
}
