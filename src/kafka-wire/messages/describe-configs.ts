import { api, array, arrayOf, bool, int16, int32, int8, string, type RequestOf, type ResponseOf } from '../schema/index.ts'

/** Configs of topics (resource type 2) and brokers (4) with their sources; null keys are all. */
export const describeConfigs = api(32, 'DescribeConfigs', {
  versions: [1, 4],
  flexibleFrom: 4,
  request: {
    resources: array({ resourceType: int8(), resourceName: string(), configurationKeys: arrayOf('string', { nullableFrom: 0 }) }),
    includeSynonyms: bool({ default: false }),
    includeDocumentation: bool({ from: 3, default: false }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    results: array({
      errorCode: int16(),
      errorMessage: string({ nullableFrom: 0 }),
      resourceType: int8(),
      resourceName: string(),
      configs: array({
        name: string(),
        value: string({ nullableFrom: 0 }),
        readOnly: bool(),
        configSource: int8({ default: -1, ignorable: true }),
        isSensitive: bool(),
        synonyms: array({ name: string(), value: string({ nullableFrom: 0 }), source: int8() }, { ignorable: true }),
        configType: int8({ from: 3, default: 0, ignorable: true }),
        documentation: string({ from: 3, nullableFrom: 3, ignorable: true }),
      }),
    }),
  },
})

export type DescribeConfigsRequest = RequestOf<typeof describeConfigs>
export type DescribeConfigsResponse = ResponseOf<typeof describeConfigs>
