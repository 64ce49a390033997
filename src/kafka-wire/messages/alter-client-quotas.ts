import { api, array, bool, float64, int16, int32, string, type RequestOf, type ResponseOf } from '../schema/index.ts'

/** Sets and removes quotas (KIP-546). An entity's null name is the default. */
export const alterClientQuotas = api(49, 'AlterClientQuotas', {
  versions: [0, 1],
  flexibleFrom: 1,
  request: {
    entries: array({
      entity: array({ entityType: string(), entityName: string({ nullableFrom: 0 }) }),
      ops: array({ key: string(), value: float64(), remove: bool() }),
    }),
    validateOnly: bool(),
  },
  response: {
    throttleTimeMs: int32(),
    entries: array({
      errorCode: int16(),
      errorMessage: string({ nullableFrom: 0 }),
      entity: array({ entityType: string(), entityName: string({ nullableFrom: 0 }) }),
    }),
  },
})

export type AlterClientQuotasRequest = RequestOf<typeof alterClientQuotas>
export type AlterClientQuotasResponse = ResponseOf<typeof alterClientQuotas>
