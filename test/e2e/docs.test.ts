import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { apiOf } from '../harness/ask.ts'
import { codeSpans, fencedBlocks, readDocument, relativeLinks, shellCommands, shellWords } from '../harness/documents.ts'
import { eventually, run, startMillrace, type Started } from '../harness/millrace.ts'
import { createProject, root, type TestProject } from '../harness/project.ts'
import { findTool, runTool } from '../harness/tools.ts'

const documents = [
  'README.md',
  'CONTRIBUTING.md',
  'ARCHITECTURE.md',
  'docs/configuration.md',
  'docs/metadata-store.md',
  'docs/broker.md',
  'docs/schemas.md',
]
const readme = readDocument('README.md')
const { scripts }: { scripts: Record<string, string> } = JSON.parse(readDocument('package.json'))
const kcat = findTool('kcat', 'MILLRACE_KCAT')
const cqlsh = findTool('cqlsh', 'MILLRACE_CQLSH')

let project: TestProject
let millrace: Started
let kafka = ''
let cassandra = ''

beforeAll(async () => {
  project = createProject("every: '50ms', for: '30s'")
  millrace = startMillrace(project)
  await millrace.until(/in table/, 90_000)
  const { parts } = await eventually(
    () => apiOf(project).status(),
    ({ flows: [flow] }) => (flow?.inTable ?? 0) >= 3,
    90_000,
  )
  const addressOf = (name: string): string => parts.find((part) => part.name === name)?.address ?? ''
  kafka = addressOf('kafka')
  cassandra = addressOf('cassandra')
}, 240_000)
afterAll(async () => {
  await millrace[Symbol.asyncDispose]()
  project.remove()
})

describe("README's commands", () => {
  const commands = shellCommands(readme)

  test('are those this test knows how to run or to look up', () => {
    expect(commands.length).toBeGreaterThan(4)
    expect(commands.filter((command) => !/^(npm |npx millrace |kcat |cqlsh )/.test(command))).toEqual([])
  })

  test.each(commands.filter((command) => command.startsWith('npx millrace ')))('%s', (command) => {
    const args = shellWords(command).slice(2)
    const folder = args.indexOf('--project')
    if (folder >= 0) expect(existsSync(join(root, args.splice(folder, 2)[1] ?? '', 'millrace.config.ts'))).toBe(true)
    expect(run(project, args)).toMatchObject({ code: 0, stdout: expect.stringMatching(/\S/), stderr: '' })
  })

  test.skipIf(kcat === null).each(commands.filter((command) => command.startsWith('kcat ')))('%s', (command) => {
    const [, ...args] = shellWords(command.replace('localhost:9092', kafka))
    const { code, stdout } = runTool(kcat ?? '', args)
    expect(code).toBe(0)
    expect(stdout).toMatch(/^user [\da-f-]{36}, \d+ bytes of Avro$/m)
  })

  test.skipIf(cqlsh === null).each(commands.filter((command) => command.startsWith('cqlsh ')))('%s', (command) => {
    const [, ...args] = shellWords(command)
    const { code, stdout } = runTool(cqlsh ?? '', [...cassandra.split(':'), ...args])
    expect(code).toBe(0)
    expect(stdout).toContain('(3 rows)')
  })
})

describe('npm commands in the documents', () => {
  test.each(documents)('of %s exist', (name) => {
    const text = readDocument(name)
    const named = [...text.matchAll(/npm (?:run (?:--silent )?([\w:]+)|(start|test))/g)].map(([, script, short]) => script ?? short ?? '')
    expect(named.filter((script) => !(script in scripts))).toEqual([])
    const unknown = shellCommands(text).filter((command) => command.startsWith('npm ') && !/^npm (ci|start|test|run [\w:]+)$/.test(command))
    expect(unknown).toEqual([])
  })

  test('run files that exist', () => {
    const files = Object.values(scripts).flatMap((script) => script.split(' ').filter((word) => /^[\w/.-]+\.(mjs|ts)$/.test(word)))
    expect(files.length).toBeGreaterThan(5)
    expect(files.filter((file) => !existsSync(join(root, file)))).toEqual([])
  })
})

describe("README's table of commands", () => {
  /** First words after `millrace` and the rest of the usage, as the table's first column writes them. */
  const rows = readme
    .split('\n')
    .filter((line) => line.startsWith('| `millrace '))
    .flatMap((line) => codeSpans(line.split('|')[1] ?? ''))
    .map((span) => span.replace(/^millrace /, ''))
  const help = new Map<string, string>()
  const helpOf = (...command: string[]): string => {
    const key = command.join(' ')
    const known = help.get(key) ?? run(project, [...command, '--help']).stdout
    help.set(key, known)
    return known
  }
  /** `trigger [options] <dag>    start a run…` → `trigger <dag>`. */
  const usages = (text: string): string[] =>
    (text.split('Commands:')[1] ?? '')
      .split('\n')
      .map((line) => /^ {2}([\w-]+(?: [<[][^ ]+[>\]])*)/.exec(line)?.[1]?.replace(' [options]', '') ?? '')
      .filter((usage) => usage !== '' && !usage.startsWith('help'))

  /** `dlq`, `topics`: commands that have commands. */
  const groups = [...new Set(rows.flatMap((row) => /^(\w+) [a-z]/.exec(row)?.[1] ?? []))]

  test('names commands and arguments as the command itself does', () => {
    const wrong = rows.filter((row) => {
      const usage = row.replace(/ \[-.*\]$/, '').replaceAll('"', '')
      const [first = '', ...rest] = usage.split(' ')
      // `tables` stands alone too, beside the commands in it.
      return groups.includes(first) && rest.length > 0 ? !usages(helpOf(first)).includes(rest.join(' ')) : !usages(helpOf()).includes(usage)
    })
    expect(rows.length).toBeGreaterThan(10)
    expect(wrong).toEqual([])
  })

  test('leaves no command out', () => {
    const listed = new Set(rows.map((row) => row.split(' ')[0]))
    expect(usages(helpOf()).filter((usage) => !listed.has(usage.split(' ')[0]))).toEqual([])
    expect(groups).toContain('topics')
    const inGroups = groups.flatMap((group) => usages(helpOf(group)).map((usage) => `${group} ${usage}`))
    expect(inGroups.filter((usage) => !rows.includes(usage))).toEqual([])
  })

  test('names options that exist', () => {
    const start = rows.find((row) => row.startsWith('start'))
    expect(helpOf('start')).toContain(/--[\w-]+ <\w+>/.exec(start ?? '')?.[0])
    expect(helpOf('logs', 'x')).toContain('-f, --follow')
    for (const option of ['--json', '--project <dir>', '--kafka ', '--cassandra ']) expect(helpOf()).toContain(option)
  })
})

describe('environment variables', () => {
  const named = (text: string): string[] => [...new Set(text.match(/MILLRACE_[A-Z_]+[A-Z]/g))].toSorted()

  test('of CONTRIBUTING are read by the tests', () => {
    const readers = ['{test,bench,tools,scripts}/**/*.{ts,mjs}', 'src/**/*.test.ts'].flatMap((files) => globSync(files, { cwd: root }))
    const tests = readers.map(readDocument).join('\n')
    expect(named(readDocument('CONTRIBUTING.md')).filter((variable) => !named(tests).includes(variable))).toEqual([])
  })
})

describe('what the documents say of the code', () => {
  test("README's pipeline is part of the example, word for word", () => {
    const example = readDocument('examples/users/users.pipeline.ts')
    const snippets = fencedBlocks(readme, 'ts')
    expect(snippets).toHaveLength(1)
    for (const snippet of snippets) expect(example).toContain(snippet)
  })

  test('README lists every exit code', () => {
    const listed = /Exit codes: ([^.]*)\./s.exec(readme)?.[1] ?? ''
    const codes = new Set([...readDocument('src/platform/errors.ts').matchAll(/exitCode: (\d+)/g)].map(([, code]) => code))
    expect(codes.size).toBeGreaterThan(5)
    expect([...codes].filter((code) => !new RegExp(`\\b${code}\\b`).test(listed))).toEqual([])
  })

  test.each([...new Set([...documents, ...globSync('docs/*.md', { cwd: root })])])('%s links to files that are there', (name) => {
    expect(relativeLinks(readDocument(name)).filter((target) => !existsSync(join(root, dirname(name), target)))).toEqual([])
  })

  test.each(documents)('%s names source files that are there', (name) => {
    const paths = codeSpans(readDocument(name)).filter((span) => /^[\w.-]+(\/[\w.-]+)+\.(ts|mjs)$/.test(span))
    expect(paths.filter((path) => !existsSync(join(root, path)) && !existsSync(join(root, 'src', path)))).toEqual([])
  })

  test('the package carries the licence that README names', () => {
    expect(readme).toContain('Apache-2.0')
    expect(readFileSync(join(root, 'LICENSE'), 'utf8')).toContain('Apache License')
  })
})
