import { api, array, bool, float64, int16, int32, int8, string, type RequestOf, type ResponseOf } from '../schema/index.ts'

/** The quotas of users, clients and addresses (KIP-546). A match is 0 a name, 1 the default, 2 any name; an entity's null name is the default. */
export const describeClientQuotas = api(48, 'DescribeClientQuotas', {
  versions: [0, 1],
  flexibleFrom: 1,
  request: {
    components: array({ entityType: string(), matchType: int8(), match: string({ nullableFrom: 0 }) }),
    strict: bool(),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string({ nullableFrom: 0 }),
    entries: array(
      {
        entity: array({ entityType: string(), entityName: string({ nullableFrom: 0 }) }),
        values: array({ key: string(), value: float64() }),
      },
      { nullableFrom: 0 },
    ),
  },
})

export type DescribeClientQuotasRequest = RequestOf<typeof describeClientQuotas>
export type DescribeClientQuotasResponse = ResponseOf<typeof describeClientQuotas>
