import { api, array, arrayOf, bool, int16, int32, int64, string, type RequestOf, type ResponseOf } from '../schema/index.ts'

/** Sizes of partitions by log directory (KIP-113); from 4 on with the size of the disk (KIP-827). Null topics are all. */
export const describeLogDirs = api(35, 'DescribeLogDirs', {
  versions: [1, 5],
  flexibleFrom: 2,
  request: { topics: array({ topic: string(), partitions: arrayOf('int32') }, { nullableFrom: 0 }) },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16({ from: 3, ignorable: true }),
    results: array({
      errorCode: int16(),
      logDir: string(),
      topics: array({
        name: string(),
        partitions: array({ partitionIndex: int32(), partitionSize: int64(), offsetLag: int64(), isFutureKey: bool() }),
      }),
      totalBytes: int64({ from: 4, default: -1n, ignorable: true }),
      usableBytes: int64({ from: 4, default: -1n, ignorable: true }),
      isCordoned: bool({ from: 5, default: false, ignorable: true }),
    }),
  },
})

export type DescribeLogDirsRequest = RequestOf<typeof describeLogDirs>
export type DescribeLogDirsResponse = ResponseOf<typeof describeLogDirs>
