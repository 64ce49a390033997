import { readFileSync } from 'node:fs'
import { transformSync } from 'esbuild'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { secret } from '../authoring/index.ts'
import { configSchema } from './config-schema.ts'
import { variables } from './environment.ts'

const document = readFileSync(new URL('../../docs/configuration.md', import.meta.url), 'utf8')
/** Rows of the tables of keys: the key's cell, the variable's, default and meaning. */
const rows = document
  .split('\n')
  .filter((line) => /^\| (`[a-z][\w.]*`)? *\|.*\|.*\|.*\|$/i.test(line))
  .map((line) => line.split('|').map((cell) => cell.trim()))
  .map(([, key = '', variable = '', ...rest]) => ({ key: key.replaceAll('`', ''), variable, rest }))

interface JsonSchema {
  properties?: Record<string, JsonSchema>
  anyOf?: JsonSchema[]
  oneOf?: JsonSchema[]
}

/** Paths of all keys of the config. References to secrets and functions are values, not sections. */
function keysOf(schema: JsonSchema, path = ''): string[] {
  const alternatives = [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])].filter(({ properties }) => properties && !isReference(properties))
  const inner = Object.entries({ ...schema.properties }).flatMap(([key, value]) => keysOf(value, path === '' ? key : `${path}.${key}`))
  return [...new Set([path, ...inner, ...alternatives.flatMap((each) => keysOf(each, path))])]
}

function isReference(properties: Record<string, JsonSchema>): boolean {
  return 'secret' in properties || 'function' in properties
}

const keys = keysOf(z.toJSONSchema(configSchema, { io: 'output', unrepresentable: 'any' }) as JsonSchema).filter((key) => key !== '')
/** Sections have no line of their own, but for TLS and rules of alerts, which can be turned on and off as a whole. */
const leaves = keys.filter((key) => /\.tls$|^alerts\.rules\./.test(key) || !keys.some((other) => other.startsWith(`${key}.`)))

test('docs/configuration.md has a line for each key, and none for another', () => {
  expect(leaves.length).toBeGreaterThan(40)
  expect(
    rows
      .map(({ key }) => key)
      .filter((key) => key !== '')
      .toSorted(),
  ).toEqual(leaves.toSorted())
})

test('each key has a variable, but for what names the project, and what has names of headers and streams', () => {
  const named = new Set(variables.map(({ key }) => key))
  expect(leaves.filter((key) => !named.has(key))).toEqual(['name', 'pipelines', 'alerts.webhook.headers', 'alerts.streams'])
})

test.each(variables)('docs/configuration.md tells $name, and whether it is a secret', ({ name, key, is }) => {
  expect(rows.find((row) => row.key === key)?.variable).toBe(`\`${name}\`${is === 'secret' ? ' (secret)' : ''}`)
})

test('docs/configuration.md names no variable that is not read', () => {
  const read = new Set(variables.map(({ name }) => name))
  const named = [...new Set(document.match(/MILLRACE_[A-Z_]+[A-Z]/g))]
  expect(named.filter((name) => !read.has(name.replace(/_FILE$/, '')))).toEqual([])
  expect([...read].filter((name) => !named.includes(name))).toEqual([])
})

test('the examples of docs/configuration.md are taken', async () => {
  const blocks = [...document.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, text = '']) => text)
  const sections = blocks.filter((text) => !text.startsWith('import'))
  expect(blocks.length - sections.length).toBe(1)
  expect(sections.length).toBeGreaterThan(5)
  for (const section of sections) {
    const { code } = transformSync(`export default (secret) => ({ name: 'users', ${section} })`, { loader: 'ts', format: 'esm' })
    const written: { default: (given: typeof secret) => object } = await import(`data:text/javascript,${encodeURIComponent(code)}`)
    const config = written.default(secret)
    const parsed = configSchema.safeParse(JSON.parse(JSON.stringify(config, marked)))
    expect(parsed.success ? 'taken' : z.prettifyError(parsed.error)).toBe('taken')
  }
})

function marked(_key: string, value: unknown): unknown {
  return typeof value === 'function' ? { function: 'kafka.sasl.token' } : value
}

test('README names no variable that is not read', () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
  const read = new Set(variables.map(({ name }) => name))
  expect([...new Set(readme.match(/MILLRACE_[A-Z_]+[A-Z]/g))].filter((name) => !read.has(name))).toEqual([])
  expect(readme).toContain('(docs/configuration.md)')
})
