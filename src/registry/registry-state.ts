import type { CompatibilityLevel, Mode, SchemaContent, SchemaRecord, SchemaVersion } from './schema-records.ts'

/** What the records of `_schemas` add up to; changed by `apply` alone, so that whoever reads the same records has the same state. */
export class RegistryState {
  readonly #subjects = new Map<string, Map<number, SchemaVersion>>()
  readonly #contents = new Map<number, SchemaContent>()
  /** Content → id. */
  readonly #ids = new Map<string, number>()
  readonly #levels = new Map<string | null, CompatibilityLevel>()
  readonly #modes = new Map<string | null, Mode>()
  #lastId = 0

  apply(record: SchemaRecord): void {
    switch (record.is) {
      case 'schema':
        return this.#put(record.version)
      case 'schema-gone':
        return this.#remove(record.subject, record.version)
      case 'subject-deleted':
        for (const version of this.versions(record.subject)) if (version.version <= record.upTo) this.#put({ ...version, deleted: true })
        return
      case 'level':
        return setOrDelete(this.#levels, record.subject, record.level)
      case 'mode':
        return setOrDelete(this.#modes, record.subject, record.mode)
    }
  }

  get nextId(): number {
    return this.#lastId + 1
  }

  /** In order of their names. */
  subjects(options: { deleted?: boolean; prefix?: string } = {}): string[] {
    const { deleted = false, prefix = '' } = options
    return [...this.#subjects.keys()]
      .filter((subject) => subject.startsWith(prefix) && this.versions(subject, { deleted }).length > 0)
      .toSorted()
  }

  /** In order of their numbers. */
  versions(subject: string, options: { deleted?: boolean } = {}): SchemaVersion[] {
    const all = [...(this.#subjects.get(subject)?.values() ?? [])].toSorted((a, b) => a.version - b.version)
    return options.deleted ? all : all.filter((version) => !version.deleted)
  }

  content(id: number): SchemaContent | null {
    return this.#contents.get(id) ?? null
  }

  idOf(content: SchemaContent): number | null {
    return this.#ids.get(contentKey(content)) ?? null
  }

  /** All versions of all subjects with this id. */
  usesOf(id: number, options: { deleted?: boolean } = {}): SchemaVersion[] {
    return this.subjects({ deleted: true }).flatMap((subject) => this.versions(subject, options).filter((version) => version.id === id))
  }

  /** Versions that refer to this one. */
  referrersOf(subject: string, version: number): SchemaVersion[] {
    const refers = (each: SchemaVersion): boolean => each.references.some((ref) => ref.subject === subject && ref.version === version)
    return this.subjects().flatMap((other) => this.versions(other).filter(refers))
  }

  level(subject: string | null): CompatibilityLevel | null {
    return this.#levels.get(subject) ?? null
  }

  mode(subject: string | null): Mode | null {
    return this.#modes.get(subject) ?? null
  }

  #put(version: SchemaVersion): void {
    const versions = this.#subjects.get(version.subject) ?? new Map<number, SchemaVersion>()
    this.#subjects.set(version.subject, versions.set(version.version, version))
    const content = { schema: version.schema, references: version.references }
    this.#contents.set(version.id, content)
    if (!this.#ids.has(contentKey(content))) this.#ids.set(contentKey(content), version.id)
    this.#lastId = Math.max(this.#lastId, version.id)
  }

  #remove(subject: string, number: number): void {
    const versions = this.#subjects.get(subject)
    const version = versions?.get(number)
    if (!versions || !version) return
    versions.delete(number)
    if (versions.size === 0) this.#subjects.delete(subject)
    if (this.usesOf(version.id, { deleted: true }).length > 0) return
    this.#contents.delete(version.id)
    this.#ids.delete(contentKey(version))
  }
}

function contentKey({ schema, references }: SchemaContent): string {
  return references.length === 0 ? schema : `${schema}\n${JSON.stringify(references)}`
}

function setOrDelete<K, V>(map: Map<K, V>, key: K, value: V | null): void {
  if (value === null) map.delete(key)
  else map.set(key, value)
}
