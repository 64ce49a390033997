import { describeLogDirs, errorCodes } from '../../kafka-wire/index.ts'
import { handler } from './handler.ts'

/** Sizes of partitions (KIP-113) and of the disk (KIP-827); all of them lie in one folder. Null topics are all, unknown ones are left out. */
export const describeLogDirsHandler = handler(describeLogDirs, [1, 5], (request, { broker }) => {
  const wanted = request.topics === null ? null : new Map(request.topics.map(({ topic, partitions }) => [topic, new Set(partitions)]))
  const topics = broker.topics
    .all()
    .map(({ name, logs }) => ({
      name,
      partitions: logs
        .filter(({ partition }) => wanted === null || wanted.get(name)?.has(partition))
        .map((log) => ({ partitionIndex: log.partition, partitionSize: BigInt(log.sizeBytes), offsetLag: 0n, isFutureKey: false })),
    }))
    .filter(({ partitions }) => partitions.length > 0)
  const { totalBytes, usableBytes } = broker.catalogue.space()
  const result = {
    errorCode: errorCodes.NONE,
    logDir: broker.topics.dataDir,
    topics,
    totalBytes: BigInt(totalBytes),
    usableBytes: BigInt(usableBytes),
  }
  return { throttleTimeMs: 0, errorCode: errorCodes.NONE, results: [result] }
})
