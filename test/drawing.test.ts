import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { parseSync } from 'oxc-parser'
import { describe, expect, test } from 'vitest'

const root = join(import.meta.dirname, '..')
const src = join(root, 'src')

/** Room → rooms it may import, read from the table in ARCHITECTURE.md: the drawing is the rule. */
const allowed = readDrawing(readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8'))

describe('the drawing in ARCHITECTURE.md', () => {
  test('names every room of src/, and no other', () => {
    const rooms = readdirSync(src, { withFileTypes: true }).filter((entry) => entry.isDirectory())
    expect([...allowed.keys()].toSorted()).toEqual(rooms.map((entry) => entry.name).toSorted())
  })

  test('has no cycle', () => {
    const reaches = (from: string, to: string, seen = new Set<string>()): boolean =>
      [...(allowed.get(from) ?? [])].some((next) => {
        const room = next.split('/')[0] ?? ''
        if (room === to) return true
        if (seen.has(room)) return false
        seen.add(room)
        return reaches(room, to, seen)
      })
    expect([...allowed.keys()].filter((room) => reaches(room, room))).toEqual([])
  })

  test('allows every import there is, and only through index.ts', () => {
    expect(forbiddenImports(sourceFiles(src))).toEqual([])
  })

  test('would catch a forbidden import', () => {
    const file = join(src, 'kafka-wire', 'example.ts')
    expect(violations(file, `import { startBroker } from '../broker/index.ts'`)).toEqual([
      `src/kafka-wire/example.ts imports ../broker/index.ts: kafka-wire may not import broker`,
    ])
    expect(violations(join(src, 'streams', 'x.ts'), `import type { A } from '../connectors/http/poll.ts'`)).toEqual([
      `src/streams/x.ts imports ../connectors/http/poll.ts: only through src/connectors/index.ts`,
    ])
    expect(violations(join(src, 'broker', 'x.ts'), `const x = await import('../cql-store/index.ts')`)).toHaveLength(1)
  })
})

function readDrawing(markdown: string): Map<string, Set<string>> {
  const rows = [...markdown.matchAll(/^\| `([\w-]+)` \|[^|]*\|([^|]*)\|$/gm)]
  return new Map(
    rows.map(([, room = '', imports = '']) => [room, new Set([...imports.matchAll(/`([\w/-]+)`/g)].map(([, name = '']) => name))]),
  )
}

function sourceFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name))
}

function forbiddenImports(files: readonly string[]): string[] {
  return files.flatMap((file) => violations(file, readFileSync(file, 'utf8')))
}

function violations(file: string, code: string): string[] {
  const isTest = /\.(test|test-d|fixture)\.ts$/.test(file)
  const room = relative(src, file).split('/')[0] ?? ''
  return importsOf(file, code).flatMap((specifier) => {
    const target = relative(src, resolve(dirname(file), specifier))
    const [targetRoom = '', ...rest] = target.split('/')
    if (targetRoom === room || targetRoom.startsWith('..')) return []
    const place = `${relative(root, file)} imports ${specifier}`
    const inside = rest.join('/').replace(/\.ts$/, '')
    if (allowed.get(room)?.has(`${targetRoom}/${inside}`)) return []
    if (inside !== 'index') return [`${place}: only through src/${targetRoom}/index.ts`]
    return isTest || allowed.get(room)?.has(targetRoom) ? [] : [`${place}: ${room} may not import ${targetRoom}`]
  })
}

function importsOf(file: string, code: string): string[] {
  const { module } = parseSync(file, code)
  const statics = [
    ...module.staticImports.map((each) => each.moduleRequest.value),
    ...module.staticExports.flatMap((each) => each.entries.flatMap((entry) => entry.moduleRequest?.value ?? [])),
  ]
  const dynamics = module.dynamicImports.map(
    (each) => /^['"](.+)['"]$/.exec(code.slice(each.moduleRequest.start, each.moduleRequest.end))?.[1] ?? '',
  )
  return [...statics, ...dynamics].filter((specifier) => specifier.startsWith('.'))
}
