export { avroCodec, type AvroCodecOptions } from './avro/avro-codec.ts'
export { avroOfSchema } from './avro/avro-of-schema.ts'
export { incompatibilities, type Incompatibility } from './avro/incompatibilities.ts'
export { canonicalAvro } from './avro/canonical.ts'
export { namedTypesOf, parseAvro } from './avro/parse-avro.ts'
export type { AvroType } from './avro/avro-type.ts'
export { framedId } from './framing.ts'
export { jsonCodec } from './json.ts'
export { inShapeForm } from './avro/project.ts'
export {
  bytesOfBase64,
  dateOfDays,
  daysOfDate,
  instantOfText,
  int64Of,
  jsonOfInt64,
  textOfDecimal,
  textOfInstant,
  unscaledOf,
} from './json-forms.ts'
export type { ValueCodec } from './value-codec.ts'
