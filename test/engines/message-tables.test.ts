import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { inflateRawSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { apis, groupRecordKinds, type Field, type Fields, type Message } from '../../src/kafka-wire/index.ts'
import { ensureArtifacts } from '../../tools/engines/artifacts.ts'
import { engines } from '../../tools/engines/index.ts'
import { kafka4 } from '../../tools/engines/systems/index.ts'
import { describeOn } from './available.ts'

/** Compares our message tables with Kafka's own definitions: `common/message/*.json` in the jars that Kafka 4 comes with. */
const jars = engines.missing('kafka4') === null ? await ensureArtifacts(kafka4) : null

interface JsonField {
  name: string
  type: string
  versions?: string | undefined
  nullableVersions?: string | undefined
  taggedVersions?: string | undefined
  tag?: number | undefined
  ignorable?: boolean | undefined
  default?: string | number | boolean | null | undefined
  fields?: JsonField[] | undefined
}

const jsonField: z.ZodType<JsonField> = z.object({
  name: z.string(),
  type: z.string(),
  versions: z.string().optional(),
  nullableVersions: z.string().optional(),
  taggedVersions: z.string().optional(),
  tag: z.number().optional(),
  ignorable: z.boolean().optional(),
  default: z.union([z.string(), z.number(), z.boolean(), z.null()]).optional(),
  get fields() {
    return z.array(jsonField).optional()
  },
})
const jsonMessage = z.object({
  apiKey: z.number(),
  name: z.string(),
  validVersions: z.string(),
  flexibleVersions: z.string(),
  fields: z.array(jsonField),
  commonStructs: z.array(z.object({ name: z.string(), fields: z.array(jsonField) })).default([]),
})

/** The files of a zip whose names match: central directory at the end, then stored or deflated entries (APPNOTE 4.3). */
function readZip(path: string, wanted: RegExp): Map<string, string> {
  const zip = readFileSync(path)
  const end = zip.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'))
  const files = new Map<string, string>()
  let at = zip.readUInt32LE(end + 16)
  for (let left = zip.readUInt16LE(end + 10); left > 0; left--) {
    const method = zip.readUInt16LE(at + 10)
    const packedBytes = zip.readUInt32LE(at + 20)
    const nameBytes = zip.readUInt16LE(at + 28)
    const local = zip.readUInt32LE(at + 42)
    const name = zip.toString('utf8', at + 46, at + 46 + nameBytes)
    if (wanted.test(name)) {
      const start = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28)
      const packed = zip.subarray(start, start + packedBytes)
      files.set(name, (method === 0 ? packed : inflateRawSync(packed)).toString('utf8'))
    }
    at += 46 + nameBytes + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32)
  }
  return files
}

/** `null` when the range has nothing in common with the message's versions. */
function parseRange(text: string | undefined, [min, max]: readonly [number, number]): [number, number] | null {
  if (text === undefined || text === 'none') return null
  const [, low = '', plus, high] = /^(\d+)(\+)?(?:-(\d+))?$/.exec(text) ?? []
  const from = Math.max(min, Number(low))
  const to = Math.min(max, plus === undefined ? Number(high ?? low) : Infinity)
  return from > to ? null : [from, to]
}

/** A field as one comparable value; versions cut to those of the message. */
interface Facts {
  type: string
  versions: [number, number]
  nullable: [number, number] | null
  tag: { tag: number; versions: [number, number] } | null
  ignorable: boolean
  default: string
}

const IMPLICIT: Record<string, string> = { bool: 'false', string: '', uuid: '', bytes: '', records: 'null' }

function theirFacts(
  fields: readonly JsonField[],
  structs: Map<string, JsonField[]>,
  range: readonly [number, number],
  path: string,
): Map<string, Facts> {
  const facts = new Map<string, Facts>()
  for (const field of fields) {
    const versions = parseRange(field.versions ?? field.taggedVersions, range)
    if (versions === null) continue
    const name = `${path}.${field.name.charAt(0).toLowerCase()}${field.name.slice(1)}`
    const element = field.type.replace('[]', '')
    const inner = field.fields ?? structs.get(element)
    const isArray = field.type.startsWith('[]')
    const tagged = parseRange(field.taggedVersions, range)
    const type = inner === undefined ? element : 'struct'
    facts.set(name, {
      type: isArray ? `[]${type}` : type,
      versions,
      nullable: parseRange(field.nullableVersions, versions),
      tag: tagged === null || field.tag === undefined ? null : { tag: field.tag, versions: tagged },
      ignorable: field.ignorable ?? false,
      default:
        isArray || inner !== undefined ? (field.default === undefined ? '' : String(field.default)) : normalDefault(type, field.default),
    })
    if (inner !== undefined) for (const [key, value] of theirFacts(inner, structs, versions, name)) facts.set(key, value)
  }
  return facts
}

function normalDefault(type: string, value: string | number | boolean | null | undefined): string {
  if (value === undefined) return IMPLICIT[type] ?? '0'
  const text = String(value)
  return text.startsWith('0x') || text.startsWith('-0x') ? String(text.startsWith('-') ? -Number(text.slice(1)) : Number(text)) : text
}

function ourFacts(fields: Fields, range: readonly [number, number], path: string): Map<string, Facts> {
  const facts = new Map<string, Facts>()
  for (const [key, field] of Object.entries(fields)) {
    const { options, shape } = field
    const name = `${path}.${key}`
    const versions = ourRange(options.from, options.to, range)
    const inner = shape.is === 'array' ? shape.of : shape
    facts.set(name, {
      type: shape.is === 'array' ? `[]${shape.of.is}` : shape.is,
      versions,
      nullable: options.nullableFrom === undefined ? null : ourRange(options.nullableFrom, undefined, versions),
      tag: options.tag === undefined ? null : { tag: options.tag, versions: ourRange(options.taggedFrom, undefined, range) },
      ignorable: options.ignorable ?? false,
      default: ourDefault(field),
    })
    if (inner.is === 'struct') for (const [key, value] of ourFacts(inner.fields, versions, name)) facts.set(key, value)
  }
  return facts
}

function ourRange(from: number | undefined, to: number | undefined, [min, max]: readonly [number, number]): [number, number] {
  return [Math.max(min, from ?? min), Math.min(max, to ?? max)]
}

function ourDefault({ options, shape }: Field<unknown, unknown, boolean>): string {
  const said = options.default
  if (typeof said === 'string') return said
  if (typeof said === 'bigint') return said.toString()
  if (said !== undefined) return JSON.stringify(said)
  if (shape.is === 'array' || shape.is === 'struct') return ''
  return IMPLICIT[shape.is] ?? '0'
}

/** One line a field, in the order of the wire. */
function lines(facts: Map<string, Facts>): string[] {
  return Array.from(facts, ([name, fact]) => `${name}: ${JSON.stringify(fact)}`)
}

describeOn(['kafka4'], "our message tables beside Kafka's", () => {
  const filesIn = (jar: string, wanted: RegExp): Map<string, string> =>
    jars === null ? new Map<string, string>() : readZip(join(jars, jar), wanted)
  const files = new Map([
    ...filesIn('kafka-clients-4.4.0.jar', /^common\/message\/\w+(Request|Response)\.json$/),
    ...filesIn('kafka-group-coordinator-4.4.0.jar', /^common\/message\/ConsumerGroup\w+(Key|Value)\.json$/),
  ])
  const records = groupRecordKinds.flatMap(({ number, key, value }) => [
    { number, message: key },
    { number, message: value },
  ])
  const messages: Message<unknown>[] = [
    ...[...apis.values()].flatMap((api) => [api.request, api.response]),
    ...records.map(({ message }) => message),
  ]
  const keys = new Map([
    ...[...apis.values()].flatMap((api) => [[api.request.name, api.key] as const, [api.response.name, api.key] as const]),
    ...records.map(({ number, message }) => [message.name, number] as const),
  ])

  test.each(messages.map((message) => ({ message, name: message.name })))('$name is what the JSON says', ({ message, name }) => {
    const text = files.get(`common/message/${name}.json`) ?? ''
    const theirs = jsonMessage.parse(JSON.parse(text.replaceAll(/^\s*\/\/.*$/gm, '')))
    const structs = new Map(theirs.commonStructs.map((struct) => [struct.name, struct.fields]))
    const valid = parseRange(theirs.validVersions, [0, Infinity])
    const { versions, flexibleFrom } = message
    expect(theirs.apiKey).toBe(keys.get(name))
    expect(valid?.[0]).toBe(versions[0])
    expect(valid?.[1]).toBeGreaterThanOrEqual(versions[1])
    expect(flexibleFrom).toBe(theirs.flexibleVersions === 'none' ? null : Number.parseInt(theirs.flexibleVersions, 10))
    expect(lines(ourFacts(message.fields, versions, name))).toEqual(lines(theirFacts(theirs.fields, structs, versions, name)))
  })
})
