import { jsonCodec, type ValueCodec } from './json.ts'

export { jsonCodec, type ValueCodec }

/** The codec of a topic's format. */
export function codecFor(format: 'json'): ValueCodec {
  return { json: jsonCodec }[format]
}
