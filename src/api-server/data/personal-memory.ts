import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { names, tableId, type Field, type Project, type TableDef } from '../../core/index.ts'
import { MillraceError, systemDisk } from '../../platform/index.ts'
import { definesNothing, hasPersonal } from './payload.ts'

const field = z.custom<Field>((value) => typeof value === 'object' && value !== null && 'name' in value && 'type' in value)
const fileSchema = z.strictObject({
  version: z.literal(1),
  topics: z.record(z.string(), z.strictObject({ fields: z.array(field), key: z.array(z.string()) })),
  tables: z.record(z.string(), z.strictObject({ keyspace: z.string(), name: z.string(), columns: z.array(field) })),
})
type Remembered = z.infer<typeof fileSchema>

/**
 * What was ever personal: topics and tables that pipeline files define no more, and fields that they have no more, stay hidden, for what was
 * written stays. A field that is still defined is what its definition says now. Kept in `personal.json` of the data folder: names and types.
 */
export class PersonalMemory {
  readonly #file: string
  #kept: Remembered
  #last: { project: Project; merged: Project } | null = null

  /** @throws MillraceError DATA_CORRUPT */
  constructor(dataDir: string) {
    this.#file = join(dataDir, 'personal.json')
    this.#kept = read(this.#file)
  }

  /** To be told of each project before it is taken up. */
  remember(project: Project): void {
    const before = JSON.stringify(this.#kept)
    const merged = this.withRemembered(project)
    const topics = topicsOf(merged).filter(([, { fields }]) => fields.some(hasPersonal))
    const tables = merged.tables.filter(({ columns }) => columns.some(hasPersonal))
    this.#kept = {
      version: 1,
      topics: { ...this.#kept.topics, ...Object.fromEntries(topics) },
      tables: {
        ...this.#kept.tables,
        ...Object.fromEntries(tables.map(({ keyspace, name, columns }) => [`${keyspace}.${name}`, { keyspace, name, columns }])),
      },
    }
    if (JSON.stringify(this.#kept) === before) return
    this.#last = null
    systemDisk.replaceFile(this.#file, JSON.stringify(this.#kept) + '\n', 0o600)
  }

  /** The project as masking is to see it: with what it once had. One that defines nothing stays so: nobody knows then what is personal. */
  withRemembered(project: Project): Project {
    if (definesNothing(project)) return project
    if (this.#last?.project !== project) this.#last = { project, merged: merge(project, this.#kept) }
    return this.#last.merged
  }
}

function read(file: string): Remembered {
  if (!existsSync(file)) return { version: 1, topics: {}, tables: {} }
  try {
    return fileSchema.parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch (error) {
    throw new MillraceError(
      'DATA_CORRUPT',
      `${file} cannot be read: it says what was personal in topics and tables that are defined no more. Remove it, and viewers may see those.`,
      { cause: error },
    )
  }
}

/** Topics with what is in them: the project's own, and those of its streams, which hold the same values. */
function topicsOf({ name: project, schemas, topics, streams }: Project): [string, { fields: Field[]; key: string[] }][] {
  const own = topics.map(({ name, schema, key }): [string, { fields: Field[]; key: string[] }] => [
    name,
    { fields: schemas.find((each) => each.name === schema)?.fields ?? [], key },
  ])
  const ofStreams = streams.flatMap(({ name, nodes }) => {
    const source = nodes.find((node) => node.is === 'source')
    const values = own.find(([topic]) => topic === source?.topic)?.[1]
    return values === undefined
      ? []
      : [names.deadLetters(project, name), names.retry(project, name)].map((topic) => [topic, values] as const)
  })
  return [...own, ...ofStreams.map(([topic, values]): [string, typeof values] => [topic, values])]
}

function merge(project: Project, kept: Remembered): Project {
  const defined = new Map(topicsOf(project))
  const topics = Object.entries(kept.topics).map(([name, before]) => {
    const now = defined.get(name)
    return { name, fields: both(now?.fields ?? [], before.fields), key: [...new Set([...(now?.key ?? []), ...before.key])] }
  })
  const remembered = new Map(topics.map((topic) => [topic.name, topic]))
  const tables = Object.entries(kept.tables).map(([id, before]): TableDef => {
    const now = project.tables.find((table) => tableId(table) === id)
    const gone = { kind: 'cassandra', ...before, schema: '', partitionKey: [], clusteringKey: [] } as const
    return {
      ...gone,
      ...now,
      partitionKey: now?.partitionKey ?? [],
      clusteringKey: now?.clusteringKey ?? [],
      columns: both(now?.columns ?? [], before.columns),
    }
  })
  const schemaOf = (topic: string): string => `of ${topic}`
  return {
    ...project,
    schemas: [...project.schemas, ...topics.map(({ name, fields }) => ({ name: schemaOf(name), fields }))],
    topics: [
      ...project.topics.filter(({ name }) => !remembered.has(name)),
      ...topics.map(({ name, key }) => ({
        partitions: 0,
        configs: {},
        ...project.topics.find((topic) => topic.name === name),
        name,
        key,
        schema: schemaOf(name),
      })),
    ],
    tables: [...project.tables.filter((table) => !(tableId(table) in kept.tables)), ...tables],
  }
}

/** Fields as they are now, and those that were. */
function both(now: readonly Field[], before: readonly Field[]): Field[] {
  return [...now, ...before.filter(({ name }) => !now.some((each) => each.name === name))]
}
