import { codecOfTopic } from '../../connectors/index.ts'
import type { Field } from '../../core/index.ts'
import { framedId, jsonCodec, type ValueCodec } from '../../formats/index.ts'
import { MillraceError, type Result } from '../../platform/index.ts'
import type { RegistryClient } from '../../registry-client/index.ts'

/**
 * Reads values as each of them was written: Avro in a registry's framing, which begins with a byte that no JSON begins with, else JSON.
 * `decode` throws CONFIG_INVALID for Avro without a registry: that is no fault of the record's.
 */
export function valueReader(
  registry: RegistryClient | null,
  fields: readonly Field[],
): Pick<ValueCodec, 'isReadyFor' | 'makeReadyFor' | 'decode'> {
  const avro = registry && codecOfTopic(registry, fields)
  return {
    isReadyFor: (batch) => avro === null || avro.isReadyFor(batch),
    makeReadyFor: (batch, signal) => avro?.makeReadyFor(batch, signal) ?? Promise.resolve(),
    decode: (bytes): Result<unknown> => {
      if (framedId(bytes) === null) return jsonCodec.decode(bytes)
      if (avro !== null) return avro.decode(bytes)
      throw new MillraceError(
        'CONFIG_INVALID',
        'The topic is written as Avro, and no schema registry is known: set registry.url of connect(…), or MILLRACE_REGISTRY_URL.',
      )
    },
  }
}
