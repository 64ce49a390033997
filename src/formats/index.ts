export { incompatibilities, type Incompatibility } from './avro/incompatibilities.ts'
export { canonicalAvro } from './avro/canonical.ts'
export { namedTypesOf, parseAvro } from './avro/parse-avro.ts'
export type { AvroType } from './avro/avro-type.ts'
import { jsonCodec, type ValueCodec } from './json.ts'

export { jsonCodec, type ValueCodec }

/** The codec of a topic's format. */
export function codecFor(format: 'json'): ValueCodec {
  return { json: jsonCodec }[format]
}
