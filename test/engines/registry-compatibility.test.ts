import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { incompatibilities, parseAvro, type AvroType } from '../../src/formats/index.ts'
import { engines, type RegistryEngine } from '../../tools/engines/index.ts'
import { describeOn } from './available.ts'
import { registryDifferences } from './differences.ts'

type Schema = string | Schema[] | { [key: string]: unknown }

const record = (...fields: unknown[]): Schema => ({ type: 'record', name: 'User', namespace: 'a', fields })
const field = (type: unknown, more: object = {}): object => ({ name: 'x', type, ...more })
const symbols = (names: string[], more: object = {}): Schema => ({ type: 'enum', name: 'Kind', namespace: 'a', symbols: names, ...more })
const fixed = (size: number, name = 'Code', more: object = {}): Schema => ({ type: 'fixed', name, namespace: 'a', size, ...more })
const decimal = (precision: number, scale: number): Schema => ({ type: 'bytes', logicalType: 'decimal', precision, scale })
const primitives = ['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string']

/** old → new, as one would change a schema. */
const changes: readonly [name: string, from: Schema, to: Schema][] = [
  ...primitives.flatMap((from) =>
    primitives.map((to): [string, Schema, Schema] => [`${from} → ${to}`, record(field(from)), record(field(to))]),
  ),
  ['field added', record(), record(field('string'))],
  ['field added with a default', record(), record(field('string', { default: '' }))],
  ['optional field added', record(), record(field(['null', 'string'], { default: null }))],
  ['optional field added without a default', record(), record(field(['null', 'string']))],
  ['field taken away', record(field('string')), record()],
  ['field renamed', record(field('string')), record({ name: 'y', type: 'string' })],
  ['field renamed with an alias', record(field('string')), record({ name: 'y', type: 'string', aliases: ['x'] })],
  ['enum field added whose enum has a default', record(), record(field(symbols(['A'], { default: 'A' })))],
  ['field made optional', record(field('string')), record(field(['null', 'string']))],
  ['field made required', record(field(['null', 'string'])), record(field('string'))],
  ['branch added', record(field(['null', 'string'])), record(field(['null', 'string', 'int']))],
  ['branch taken away', record(field(['null', 'string', 'int'])), record(field(['null', 'string']))],
  ['branch widened', record(field(['null', 'int'])), record(field(['null', 'long']))],
  ['branches in another order', record(field(['null', 'int'])), record(field(['int', 'null']))],
  [
    'record in a union gets a field',
    record(field(['null', { type: 'record', name: 'In', fields: [] }])),
    record(field(['null', { type: 'record', name: 'In', fields: [field('int')] }])),
  ],
  ['array items widened', record(field({ type: 'array', items: 'int' })), record(field({ type: 'array', items: 'long' }))],
  ['array items narrowed', record(field({ type: 'array', items: 'long' })), record(field({ type: 'array', items: 'int' }))],
  ['map values changed', record(field({ type: 'map', values: 'int' })), record(field({ type: 'map', values: 'string' }))],
  ['array to map', record(field({ type: 'array', items: 'int' })), record(field({ type: 'map', values: 'int' }))],
  ['symbol added', record(field(symbols(['A']))), record(field(symbols(['A', 'B'])))],
  ['symbol taken away', record(field(symbols(['A', 'B']))), record(field(symbols(['A'])))],
  ['symbol taken away, with a default', record(field(symbols(['A', 'B']))), record(field(symbols(['A'], { default: 'A' })))],
  ['enum to string', record(field(symbols(['A']))), record(field('string'))],
  ['fixed size changed', record(field(fixed(4))), record(field(fixed(8)))],
  ['fixed renamed', record(field(fixed(4))), record(field(fixed(4, 'Zip')))],
  ['fixed renamed with an alias', record(field(fixed(4))), record(field(fixed(4, 'Zip', { aliases: ['Code'] })))],
  ['fixed to bytes', record(field(fixed(4))), record(field('bytes'))],
  ['record renamed', record(), { type: 'record', name: 'Person', namespace: 'a', fields: [] }],
  ['record renamed with an alias', record(), { type: 'record', name: 'Person', namespace: 'a', aliases: ['User'], fields: [] }],
  ['namespace changed', record(), { type: 'record', name: 'User', namespace: 'b', fields: [] }],
  ['decimal scale changed', record(field(decimal(8, 2))), record(field(decimal(8, 3)))],
  ['decimal precision changed', record(field(decimal(8, 2))), record(field(decimal(9, 2)))],
  ['bytes to decimal', record(field('bytes')), record(field(decimal(8, 2)))],
  ['long to timestamp', record(field('long')), record(field({ type: 'long', logicalType: 'timestamp-millis' }))],
  ['documentation changed', record(field('string')), record(field('string', { doc: 'more' }))],
]

const generated = fc.sample(
  fc
    .letrec<{ any: Schema }>((tie) => ({
      any: fc.oneof(
        { maxDepth: 3 },
        fc.constantFrom<Schema>('int', 'long', 'double', 'string', 'bytes'),
        tie('any').map((items): Schema => ({ type: 'array', items })),
        tie('any').map((values): Schema => ({ type: 'map', values })),
        fc.uniqueArray(fc.constantFrom('null', 'int', 'long', 'string'), { minLength: 1 }),
        fc
          .subarray(['A', 'B', 'C'], { minLength: 1 })
          .map((names) => ({ type: 'array', items: { type: 'map', values: names.length > 1 ? 'int' : 'long' } })),
      ),
    }))
    .any.map((type): Schema => record(field(type))),
  { seed: 20_261, numRuns: 120 },
)

describeOn(['apicurio'], 'the same verdict on a changed schema', () => {
  let registry: RegistryEngine
  beforeAll(async () => {
    registry = await engines.apicurio()
  })
  afterAll(() => registry?.[Symbol.asyncDispose]())

  it.each(changes)('%s', async (name, from, to) => {
    const verdicts = [ours(to, from), await theirs(registry.url, from, to)]
    const isListed = registryDifferences.some(({ of }) => of === name)
    expect(verdicts[0] === verdicts[1], `ours ${verdicts[0]}, theirs ${verdicts[1]}`).toBe(!isListed)
  })

  it('on generated pairs', async () => {
    for (let at = 1; at < generated.length; at++) {
      const [from = '', to = ''] = [generated[at - 1], generated[at]]
      expect([ours(to, from), JSON.stringify({ from, to })]).toEqual([await theirs(registry.url, from, to), JSON.stringify({ from, to })])
    }
  })
})

function ours(reader: Schema, writer: Schema): boolean {
  return incompatibilities(avro(reader), avro(writer)).length === 0
}

function avro(schema: Schema): AvroType {
  const parsed = parseAvro(JSON.stringify(schema))
  if (!parsed.ok) throw new Error(parsed.problem.message)
  return parsed.type
}

let subjects = 0

async function theirs(url: string, from: Schema, to: Schema): Promise<boolean> {
  const subject = `s${subjects++}`
  await call(url, 'POST', `/subjects/${subject}/versions`, { schema: JSON.stringify(from) })
  await call(url, 'PUT', `/config/${subject}`, { compatibility: 'BACKWARD' })
  const { is_compatible: verdict } = await call(url, 'POST', `/compatibility/subjects/${subject}/versions/latest`, {
    schema: JSON.stringify(to),
  })
  if (typeof verdict !== 'boolean') throw new Error(`no verdict on ${JSON.stringify({ from, to })}`)
  return verdict
}

async function call(url: string, method: string, path: string, json: object): Promise<Record<string, unknown>> {
  const response = await fetch(`${url}${path}`, { method, body: JSON.stringify(json), headers: { 'content-type': 'application/json' } })
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
  return JSON.parse(text)
}
