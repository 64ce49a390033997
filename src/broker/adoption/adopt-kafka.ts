import { randomUUID } from 'node:crypto'
import { MillraceError, type Disk, type Logger } from '../../platform/index.ts'
import { asBuffer } from '../log/batch-view.ts'
import { LeaderEpochs } from '../log/leader-epochs.ts'
import { readSnapshot } from '../log/producer-snapshot.ts'
import { ScramCredentials } from '../security/scram-credentials.ts'
import { isMillraceFolder, writeAdopted, type TopicEntry } from '../topics/catalogue.ts'
import { invalidTopicConfigs } from '../topics/topic-configs.ts'
import { isInternalTopic } from '../topics/topics.ts'
import { readClusterMetadata, type ClusterMetadata } from './cluster-metadata.ts'
import { finishLeftovers } from './leftovers.ts'

/** Written by Kafka when it stops in order, removed when it starts. */
const cleanShutdown = '.kafka_cleanshutdown'
const metadataFolder = '__cluster_metadata-0'
const partitionFolder = /^(.+)-(\d+)$/
/** Of a topic that was deleted; Kafka removes them at leisure. */
const deletedFolder = /\.[0-9a-f]{32}-delete$/

interface Found {
  readonly topic: string
  readonly partition: number
  /** Null in folders older than topic ids. */
  readonly id: string | null
  readonly dir: string
}

/**
 * Makes a data folder of Kafka's, stopped in order, one of this broker's: the logs stay as they are, topics, their own settings, SCRAM
 * credentials and the next producer id come from KRaft's metadata (from ZooKeeper's times only topics do, by their folders). Nothing happens
 * with other folders. A crash in between leaves Kafka's folder, to be adopted again, or ours, of which the next start removes the rest.
 * @throws MillraceError DATA_CORRUPT when it was not stopped in order, or does not hold its topics whole
 */
export function adoptKafkaFolder(disk: Disk, dataDir: string, log: Logger): void {
  if (!disk.exists(`${dataDir}/meta.properties`)) return
  if (isMillraceFolder(disk, dataDir)) return removeRest(disk, dataDir)
  if (!disk.exists(`${dataDir}/${cleanShutdown}`)) {
    throw new MillraceError(
      'DATA_CORRUPT',
      `${dataDir} is a data folder of Kafka that was not stopped in order, or still runs: start Kafka on it, stop it with SIGTERM, and copy it then.`,
    )
  }
  const metadata = readMetadata(disk, dataDir)
  const found = partitionsIn(disk, dataDir).filter((each) => isKnown(each, metadata, log))
  const topics = topicsOf(dataDir, found, metadata, log)
  for (const { dir } of found) finishLeftovers(disk, dir)
  const leaderEpoch = Math.max(0, ...found.map(({ dir }) => new LeaderEpochs(disk, dir).latest))
  const nextProducerId = Math.max(metadata?.nextProducerId ?? 0, ...found.map(({ dir }) => lastProducerId(disk, dir) + 1))
  if (metadata && metadata.scram.length > 0) new ScramCredentials(disk, dataDir).change(metadata.scram)
  writeAdopted(disk, dataDir, { leaderEpoch, nextProducerId, topics })
  removeRest(disk, dataDir)
  log.info('took over the data folder of Kafka', {
    dataDir,
    topics: topics.length,
    partitions: found.length,
    configs: metadata ? 'of the topics; those of server.properties are not in the folder' : 'none: ZooKeeper keeps them',
  })
}

/** What only Kafka knew what to do with; a start after a crash goes on with it. */
function removeRest(disk: Disk, dataDir: string): void {
  if (!disk.exists(`${dataDir}/${cleanShutdown}`)) return
  for (const name of disk.list(dataDir)) if (deletedFolder.test(name)) disk.remove(`${dataDir}/${name}`)
  // What Kafka would find from now on is not what it left.
  disk.remove(`${dataDir}/${cleanShutdown}`)
}

function readMetadata(disk: Disk, dataDir: string): ClusterMetadata | null {
  try {
    return readClusterMetadata(disk, dataDir)
  } catch (error) {
    if (error instanceof MillraceError) throw error
    throw new MillraceError('DATA_CORRUPT', `${dataDir}/${metadataFolder} cannot be read. Restore it from a copy.`, { cause: error })
  }
}

function partitionsIn(disk: Disk, dataDir: string): Found[] {
  return disk.list(dataDir).flatMap((name) => {
    const [, topic, partition] = partitionFolder.exec(name) ?? []
    const dir = `${dataDir}/${name}`
    if (topic === undefined || name === metadataFolder || disk.list(dir).length === 0) return []
    return [{ topic, partition: Number(partition), id: topicIdIn(disk, `${dir}/partition.metadata`), dir }]
  })
}

/** `topic_id: ` and sixteen bytes in base64url (KIP-516). */
function topicIdIn(disk: Disk, path: string): string | null {
  if (!disk.exists(path)) return null
  const [, text = ''] = /^topic_id: ?(\S+)$/m.exec(new TextDecoder().decode(disk.readFile(path))) ?? []
  const hex = Buffer.from(text, 'base64url').toString('hex')
  return hex.length === 32 ? hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5') : null
}

/** Kafka too leaves alone what its metadata does not know (stray partitions). */
function isKnown({ id, dir }: Found, metadata: ClusterMetadata | null, log: Logger): boolean {
  const known = metadata === null || (id !== null && metadata.topics.has(id))
  if (!known) log.warn('left out a partition that the metadata does not know', { folder: dir })
  return known
}

function topicsOf(dataDir: string, found: readonly Found[], metadata: ClusterMetadata | null, log: Logger): TopicEntry[] {
  const byTopic = Map.groupBy(found, ({ topic }) => topic)
  return [...byTopic].map(([name, partitions]) => {
    const id = partitions.find((each) => each.id !== null)?.id ?? randomUUID()
    const count = Math.max(metadata?.topics.get(id)?.partitions ?? 0, ...partitions.map(({ partition }) => partition + 1))
    if (partitions.length !== count) {
      throw new MillraceError(
        'DATA_CORRUPT',
        `${dataDir} holds ${partitions.length} of the ${count} partitions of ${name}: a node of a cluster can be taken over only when it has all of each topic.`,
        { details: { topic: name, partitions: count } },
      )
    }
    return { name, id, partitions: count, configs: configsOf(name, metadata, log) }
  })
}

function configsOf(name: string, metadata: ClusterMetadata | null, log: Logger): Record<string, string> {
  if (metadata === null) return isInternalTopic(name) ? { 'cleanup.policy': 'compact' } : {}
  const all = Object.entries(metadata.configs.get(name) ?? {})
  const fitting = all.filter(([config, value]) => invalidTopicConfigs({ [config]: value }) === null)
  const others = all.filter((each) => !fitting.includes(each)).map(([config]) => config)
  if (others.length > 0) log.warn('left out configs of a topic that mean nothing here', { topic: name, configs: others.join(', ') })
  return Object.fromEntries(fitting)
}

function lastProducerId(disk: Disk, dir: string): number {
  const ids = disk
    .list(dir)
    .filter((name) => name.endsWith('.snapshot'))
    .flatMap((name) => [...(readSnapshot(asBuffer(disk.readFile(`${dir}/${name}`)), 0)?.keys() ?? [])])
  return Math.max(-1, ...ids)
}
