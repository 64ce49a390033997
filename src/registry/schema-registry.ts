import { canonicalAvro, namedTypesOf, parseAvro, type AvroType } from '../formats/index.ts'
import { type ChangeProblem, changeProblems, describeProblem } from './compatibility.ts'
import { registryErrors } from './registry-error.ts'
import type { RegistryState } from './registry-state.ts'
import type { CompatibilityLevel, Mode, SchemaContent, SchemaRecord, SchemaReference, SchemaVersion } from './schema-records.ts'

/** A schema as clients send it. */
export interface GivenSchema {
  readonly schema: string
  readonly references: readonly SchemaReference[]
  /** Only with mode IMPORT. */
  readonly id?: number | undefined
  readonly version?: number | undefined
}

interface Store {
  readonly state: RegistryState
  append(records: readonly SchemaRecord[]): Promise<void>
  /** Before a change is decided on: the state holds what failed appends may have written. */
  caughtUp(): Promise<void>
}

interface Parsed extends SchemaContent {
  readonly type: AvroType
}

/** Subjects, versions and their rules. Changes happen one after the other; each is answered once it is stored. */
export class SchemaRegistry {
  readonly #store: Store
  /** Text and references → parsed: the same few schemas are compared over and over. */
  readonly #parsed = new Map<string, Parsed>()
  #changes: Promise<unknown> = Promise.resolve()

  constructor(store: Store) {
    this.#store = store
  }

  get state(): RegistryState {
    return this.#store.state
  }

  level(subject: string): CompatibilityLevel {
    return this.state.level(subject) ?? this.globalLevel()
  }

  globalLevel(): CompatibilityLevel {
    return this.state.level(null) ?? 'BACKWARD'
  }

  mode(subject: string): Mode {
    return this.state.mode(subject) ?? this.globalMode()
  }

  globalMode(): Mode {
    return this.state.mode(null) ?? 'READWRITE'
  }

  /** The id: that of an equal version of this subject, of an equal schema elsewhere, or the next one. */
  register(subject: string, given: GivenSchema): Promise<number> {
    return this.#change(async () => {
      const parsed = this.#parse(given)
      const isImport = this.mode(subject) === 'IMPORT'
      this.#mayWrite(subject)
      if (given.id !== undefined && !isImport)
        throw registryErrors.notPermitted(`Subject ${subject} is not in import mode, so a schema's id cannot be chosen.`)
      const all = this.state.versions(subject, { deleted: true })
      const same = all.find((version) => !version.deleted && isSame(version, parsed))
      if (same && (given.id === undefined || given.id === same.id)) return same.id
      if (!isImport) this.#mustFit(subject, parsed)
      const id = given.id ?? this.state.idOf(parsed) ?? this.state.nextId
      if (given.id !== undefined && !this.#isFree(given.id, parsed))
        throw registryErrors.notPermitted(`Another schema has the id ${given.id}.`)
      const version = (isImport ? given.version : undefined) ?? (all.at(-1)?.version ?? 0) + 1
      const { schema, references } = parsed
      await this.#store.append([{ is: 'schema', version: { subject, version, id, schema, references, deleted: false } }])
      return id
    })
  }

  /** The version of a subject that has this schema. */
  lookUp(subject: string, given: GivenSchema, options: { deleted: boolean }): SchemaVersion {
    const versions = this.state.versions(subject, options)
    if (versions.length === 0) throw registryErrors.subjectNotFound(subject)
    const parsed = this.#parse(given)
    const found = versions.findLast((version) => isSame(version, parsed))
    if (!found) throw registryErrors.schemaNotFound()
    return found
  }

  /** @param version a number, or the last one */
  version(subject: string, version: number | 'latest', options: { deleted: boolean } = { deleted: false }): SchemaVersion {
    const versions = this.state.versions(subject, options)
    if (versions.length === 0) throw registryErrors.subjectNotFound(subject)
    const found = version === 'latest' ? versions.at(-1) : versions.find((each) => each.version === version)
    if (!found) throw registryErrors.versionNotFound(version)
    return found
  }

  /** What speaks against registering the schema: after one version, or after all that the subject's level names. */
  problems(subject: string, given: GivenSchema, after: number | 'latest' | 'all'): ChangeProblem[] {
    const parsed = this.#parse(given)
    const versions = this.state.versions(subject)
    if (after === 'all') return this.#problems(subject, parsed, versions)
    if (after === 'latest' && versions.length === 0) return []
    return this.#problems(subject, parsed, [this.version(subject, after)])
  }

  deleteSubject(subject: string, { permanent }: { permanent: boolean }): Promise<number[]> {
    return this.#change(async () => {
      this.#mayWrite(subject)
      const all = this.state.versions(subject, { deleted: true })
      const living = all.filter((version) => !version.deleted)
      if (all.length === 0) throw registryErrors.subjectNotFound(subject)
      if (!permanent && living.length === 0) throw registryErrors.subjectSoftDeleted(subject)
      if (permanent && living.length > 0) throw registryErrors.subjectNotSoftDeleted(subject)
      for (const version of all) this.#mustNotBeReferred(version)
      const upTo = all.at(-1)?.version ?? 0
      await this.#store.append(permanent ? all.map(gone) : [{ is: 'subject-deleted', subject, upTo }])
      return (permanent ? all : living).map(({ version }) => version)
    })
  }

  deleteVersion(subject: string, number: number | 'latest', { permanent }: { permanent: boolean }): Promise<number> {
    return this.#change(async () => {
      this.#mayWrite(subject)
      const version = this.version(subject, number, { deleted: true })
      if (!permanent && version.deleted) throw registryErrors.versionSoftDeleted(subject, version.version)
      if (permanent && !version.deleted) throw registryErrors.versionNotSoftDeleted(subject, version.version)
      this.#mustNotBeReferred(version)
      await this.#store.append([permanent ? gone(version) : { is: 'schema', version: { ...version, deleted: true } }])
      return version.version
    })
  }

  setLevel(subject: string | null, level: CompatibilityLevel | null): Promise<void> {
    return this.#change(async () => {
      if (subject !== null) this.#mayWrite(subject)
      await this.#store.append([{ is: 'level', subject, level }])
    })
  }

  /** IMPORT takes ids as they come, so it is allowed only where there is nothing yet, unless forced. */
  setMode(subject: string | null, mode: Mode | null, { force }: { force: boolean }): Promise<void> {
    return this.#change(async () => {
      const existing = this.state.subjects().filter((each) => subject === null || each === subject)
      if (mode === 'IMPORT' && !force && existing.length > 0)
        throw registryErrors.notPermitted(
          `Cannot go over to IMPORT: there are schemas already (${existing.slice(0, 3).join(', ')}); add force=true.`,
        )
      await this.#store.append([{ is: 'mode', subject, mode }])
    })
  }

  #change<T>(change: () => Promise<T>): Promise<T> {
    const done = this.#changes.then(() => this.#store.caughtUp()).then(change)
    this.#changes = done.catch(() => undefined)
    return done
  }

  #mayWrite(subject: string): void {
    if (this.mode(subject) === 'READONLY') throw registryErrors.notPermitted(`Subject ${subject} is in read-only mode.`)
  }

  #mustFit(subject: string, parsed: Parsed): void {
    const problems = this.#problems(subject, parsed, this.state.versions(subject))
    if (problems.length > 0) throw registryErrors.incompatible(subject, problems.map(describeProblem))
  }

  #problems(subject: string, { type }: Parsed, versions: readonly SchemaVersion[]): ChangeProblem[] {
    const earlier = versions.map((version) => ({ version: version.version, type: this.#parse(version).type }))
    return changeProblems(type, earlier, this.level(subject))
  }

  #mustNotBeReferred({ subject, version }: SchemaVersion): void {
    if (this.state.referrersOf(subject, version).length > 0) throw registryErrors.referenceExists(subject, version)
  }

  #isFree(id: number, parsed: Parsed): boolean {
    const there = this.state.content(id)
    return there === null || isSame(there, parsed)
  }

  #parse({ schema, references }: SchemaContent): Parsed {
    const key = `${schema}\n${JSON.stringify(references)}`
    const known = this.#parsed.get(key)
    if (known) return known
    const types = new Map<string, AvroType>()
    for (const reference of references) {
      const version = this.state.versions(reference.subject, { deleted: true }).find((each) => each.version === reference.version)
      if (!version)
        throw registryErrors.invalidSchema(
          `it refers to version ${reference.version} of subject '${reference.subject}', which is not there`,
        )
      for (const [name, type] of namedTypesOf(this.#parse(version).type)) types.set(name, type)
    }
    const parsed = parseAvro(schema, types)
    if (!parsed.ok) throw registryErrors.invalidSchema(`at '${parsed.problem.path || '/'}': ${parsed.problem.message}`)
    const result = { schema: canonicalAvro(parsed.json), references, type: parsed.type }
    if (this.#parsed.size >= maxParsed) this.#parsed.clear()
    this.#parsed.set(key, result)
    return result
  }
}

const maxParsed = 1_000

function isSame(a: SchemaContent, b: SchemaContent): boolean {
  return a.schema === b.schema && JSON.stringify(a.references) === JSON.stringify(b.references)
}

function gone({ subject, version }: SchemaVersion): SchemaRecord {
  return { is: 'schema-gone', subject, version }
}
