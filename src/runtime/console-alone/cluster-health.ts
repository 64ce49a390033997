import { plural, type PartView } from '../../core/index.ts'
import type { CassandraSession } from '../../cql-client/index.ts'
import type { KafkaClient } from '../../kafka-client/index.ts'
import { messageOf, MillraceError, systemClock } from '../../platform/index.ts'

/** A cluster that is looked after; `ask` says in a few words what it is like, or throws why it does not answer. */
export interface Watched extends Pick<PartView, 'name' | 'address'> {
  readonly ask: () => Promise<string>
}

/** What was heard is told for so long. */
const freshMs = 3_000
/** Who has not answered by then is told to be away; its answer is still taken when it comes. */
const answerMs = 5_000

/** How clusters are, asked when somebody wants to know, and each one thing at a time however many ask. */
export function watchClusters(clusters: readonly Watched[]): () => Promise<PartView[]> {
  const watches = clusters.map(watch)
  return () => Promise.all(watches.map((look) => look()))
}

function watch({ name, address, ask }: Watched): () => Promise<PartView> {
  let heardMs = -Infinity
  let last: PartView = { name, is: 'remote', address, state: 'failed', detail: 'it has not answered yet' }
  let asking: Promise<void> | null = null
  const refresh = async (): Promise<void> => {
    try {
      last = { ...last, state: 'ok', detail: await ask() }
    } catch (error) {
      last = { ...last, state: 'failed', detail: messageOf(error) }
    }
    heardMs = systemClock.monotonicMs()
    asking = null
  }
  return async () => {
    if (systemClock.monotonicMs() - heardMs < freshMs) return last
    asking ??= refresh()
    const waited = new AbortController()
    const isLate = systemClock.sleep(answerMs, waited.signal).then(
      () => true,
      () => false,
    )
    const late = await Promise.race([asking.then(() => false), isLate])
    waited.abort()
    return late ? { ...last, state: 'failed', detail: `it has not answered for ${answerMs / 1_000} s` } : last
  }
}

/** `cluster 5L6g…, 3 brokers, 41 topics`, and which partitions cannot be used or lack copies. */
export async function describeKafka({ admin }: Pick<KafkaClient, 'admin'>): Promise<string> {
  const { clusterId, brokers, topics } = await admin.metadata()
  const partitions = topics.flatMap((topic) => topic.partitions)
  const offline = partitions.filter(({ leader }) => leader < 0).length
  const lacking = partitions.filter(({ replicas, isr }) => isr.length < replicas.length).length
  return [
    `cluster ${clusterId ?? 'without a name'}`,
    counted(brokers.length, 'broker'),
    counted(topics.length, 'topic'),
    ...(offline === 0 ? [] : [`${counted(offline, 'partition')} without a leader`]),
    ...(lacking === 0 ? [] : [`${counted(lacking, 'partition')} with replicas that lag behind`]),
  ].join(', ')
}

/** `Test Cluster, version 5.0.2, datacenter1, 3 nodes`. */
export async function describeCassandra(session: Pick<CassandraSession, 'query'>): Promise<string> {
  const [local, peers] = await Promise.all([
    session.query('SELECT cluster_name, release_version, data_center FROM system.local'),
    session.query('SELECT peer FROM system.peers'),
  ])
  const [row] = local.rows
  if (row === undefined) throw new MillraceError('PROTOCOL', 'Its table system.local is empty.')
  const { cluster_name: name, release_version: version, data_center: dataCenter } = row
  return `${String(name)}, version ${String(version)}, ${String(dataCenter)}, ${counted(peers.rows.length + 1, 'node')}`
}

/** `3 brokers`, `1 broker` */
export function counted(count: number, what: string): string {
  return `${count} ${plural(count, what)}`
}
