import { randomBytes } from 'node:crypto'
import { MillraceError, type Disk } from '../../platform/index.ts'
import { noDynamicSettings, type DynamicSettings } from './broker-configs.ts'

const format = 1
const producerIdBlock = 1000

export interface TopicEntry {
  readonly name: string
  readonly id: string
  readonly partitions: number
  readonly configs: Readonly<Record<string, string>>
}

interface Content {
  leaderEpoch: number
  nextProducerId: number
  topics: TopicEntry[]
  deleting: TopicEntry[]
  /** Since settings can be changed while the broker runs. */
  settings?: DynamicSettings
}

/**
 * What the broker knows beside the logs: `meta.properties` (Kafka's, with the format version of this folder) and
 * `topics.json` (topics, the leader epoch of this start, producer ids given out). Each change is on the disk before it counts.
 */
export class Catalogue {
  readonly clusterId: string
  readonly #disk: Disk
  readonly #dataDir: string
  readonly #path: string
  #content: Content
  #producerIdsEnd: number

  /** Opens the folder or makes it, and raises the leader epoch (P1). @throws MillraceError DATA_DIR_NEWER, DATA_CORRUPT */
  constructor(disk: Disk, dataDir: string, clusterId: string | null) {
    disk.makeDir(dataDir)
    this.#disk = disk
    this.#dataDir = dataDir
    this.#path = `${dataDir}/topics.json`
    this.clusterId = openMeta(disk, `${dataDir}/meta.properties`, clusterId)
    const old = disk.exists(this.#path) ? parseContent(this.#path, disk.readFile(this.#path)) : null
    this.#content = old ? { ...old, leaderEpoch: old.leaderEpoch + 1 } : { leaderEpoch: 0, nextProducerId: 0, topics: [], deleting: [] }
    this.#producerIdsEnd = this.#content.nextProducerId
    this.#save(this.#content)
  }

  get leaderEpoch(): number {
    return this.#content.leaderEpoch
  }
  get topics(): readonly TopicEntry[] {
    return this.#content.topics
  }
  /** Topics whose folders are still to be removed. */
  get deleting(): readonly TopicEntry[] {
    return this.#content.deleting
  }

  /** The size of the disk and what is left of it; −1 each where the disk does not know. */
  space(): { totalBytes: number; usableBytes: number } {
    return this.#disk.space?.(this.#dataDir) ?? { totalBytes: -1, usableBytes: -1 }
  }

  /** A producer id that was never given out before; ids are reserved a thousand at a time. */
  nextProducerId(): number {
    const id = this.#content.nextProducerId
    if (id >= this.#producerIdsEnd) {
      this.#write({ ...this.#content, nextProducerId: id + producerIdBlock })
      this.#producerIdsEnd = id + producerIdBlock
    }
    this.#content = { ...this.#content, nextProducerId: id + 1 }
    return id
  }

  /** What was changed while the broker ran. */
  get settings(): DynamicSettings {
    return this.#content.settings ?? noDynamicSettings
  }
  saveSettings(settings: DynamicSettings): void {
    this.#save({ ...this.#content, settings })
  }

  /** Their folders, which lie beside this file, are synced with it. */
  add(entries: readonly TopicEntry[]): void {
    const { topics, deleting } = this.#content
    const names = new Set(entries.map(({ name }) => name))
    // Their folders are their own now: a start must not go on removing those of older topics of these names.
    this.#save({ ...this.#content, topics: [...topics, ...entries], deleting: deleting.filter(({ name }) => !names.has(name)) })
  }

  replace(entry: TopicEntry): void {
    this.#save({ ...this.#content, topics: this.#content.topics.map((topic) => (topic.id === entry.id ? entry : topic)) })
  }

  startDeleting(entry: TopicEntry): void {
    const { topics, deleting } = this.#content
    this.#save({ ...this.#content, topics: topics.filter((topic) => topic.id !== entry.id), deleting: [...deleting, entry] })
  }

  finishDeleting(entries: readonly TopicEntry[]): void {
    const deleting = this.#content.deleting.filter(({ id }) => !entries.some((entry) => entry.id === id))
    if (entries.length > 0) this.#save({ ...this.#content, deleting })
  }

  /** On the disk the reserved producer ids count as given out. */
  #save(next: Content): void {
    this.#write({ ...next, nextProducerId: Math.max(next.nextProducerId, this.#producerIdsEnd) })
    this.#content = next
  }

  #write(next: Content): void {
    this.#disk.replaceFile(this.#path, JSON.stringify(next, null, 2) + '\n')
  }
}

function parseContent(path: string, bytes: Uint8Array): Content {
  try {
    const found: unknown = JSON.parse(new TextDecoder().decode(bytes))
    if (isContent(found)) return found
    throw new TypeError('a field is missing or of another type')
  } catch (error) {
    throw new MillraceError('DATA_CORRUPT', `${path} is not a sound topic catalogue. Restore it from a copy.`, { cause: error })
  }
}

// By hand: a library that checks shapes would take 9 MB in the broker's thread for this one file.
function isContent(found: unknown): found is Content {
  if (!isObject(found)) return false
  const { leaderEpoch, nextProducerId, topics, deleting, settings } = found
  return (
    (settings === undefined || isSettings(settings)) &&
    isWhole(leaderEpoch, 0) &&
    isWhole(nextProducerId, 0) &&
    [topics, deleting].every((list) => Array.isArray(list) && list.every(isEntry))
  )
}

function isSettings(found: unknown): found is DynamicSettings {
  if (!isObject(found)) return false
  const { broker, defaults, groups } = found
  return isTexts(broker) && isTexts(defaults) && isObject(groups) && Object.values(groups).every(isTexts)
}

function isTexts(found: unknown): boolean {
  return isObject(found) && Object.values(found).every((value) => typeof value === 'string')
}

function isEntry(found: unknown): found is TopicEntry {
  if (!isObject(found)) return false
  const { name, id, partitions, configs } = found
  const sound = typeof name === 'string' && typeof id === 'string' && isWhole(partitions, 1)
  return sound && isTexts(configs)
}

function isObject(found: unknown): found is Record<string, unknown> {
  return typeof found === 'object' && found !== null && !Array.isArray(found)
}

function isWhole(found: unknown, least: number): boolean {
  return typeof found === 'number' && Number.isSafeInteger(found) && found >= least
}

/** Whether the folder is this broker's, by its `meta.properties`; Kafka's own lacks the format. */
export function isMillraceFolder(disk: Disk, dataDir: string): boolean {
  return /^millrace\.format=/m.test(new TextDecoder().decode(disk.readFile(`${dataDir}/meta.properties`)))
}

/** Makes a folder of Kafka's this broker's: from the moment `meta.properties` says so. What that says besides stays. */
export function writeAdopted(disk: Disk, dataDir: string, content: Pick<Content, 'leaderEpoch' | 'nextProducerId' | 'topics'>): void {
  disk.replaceFile(`${dataDir}/topics.json`, JSON.stringify({ ...content, deleting: [] }, null, 2) + '\n')
  const path = `${dataDir}/meta.properties`
  disk.replaceFile(path, `${new TextDecoder().decode(disk.readFile(path)).trimEnd()}\nmillrace.format=${format}\n`)
}

function openMeta(disk: Disk, path: string, wantedClusterId: string | null): string {
  if (!disk.exists(path)) {
    const clusterId = wantedClusterId ?? randomBytes(16).toString('base64url')
    disk.replaceFile(path, `# written by Millrace\nversion=1\ncluster.id=${clusterId}\nnode.id=1\nmillrace.format=${format}\n`)
    return clusterId
  }
  const lines = new TextDecoder().decode(disk.readFile(path)).split('\n')
  const value = (name: string): string | undefined => lines.find((line) => line.startsWith(`${name}=`))?.slice(name.length + 1)
  const found = Number(value('millrace.format'))
  const clusterId = value('cluster.id')
  if (found > format) {
    throw new MillraceError(
      'DATA_DIR_NEWER',
      `${path} is of format ${found}; this Millrace reads up to ${format}. Start it with the newer Millrace.`,
    )
  }
  if (found !== format || !clusterId)
    throw new MillraceError(
      'DATA_CORRUPT',
      `${path} lacks millrace.format or cluster.id: this is not a data folder of the embedded broker.`,
    )
  return clusterId
}
