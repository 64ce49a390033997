import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'

const fixtures = join(import.meta.dirname, 'fixtures')
/** Diagnostics of the compiler, by fixture. */
const diagnostics = new Map<string, string>()

beforeAll(() => {
  const tsc = join(import.meta.dirname, '../../node_modules/.bin/tsc')
  const { stdout } = spawnSync(tsc, ['-p', fixtures, '--pretty', 'false'], { encoding: 'utf8', cwd: fixtures })
  let file = ''
  for (const line of stdout.split('\n')) {
    file = /^([\w-]+)\.ts\(/.exec(line)?.[1] ?? file
    diagnostics.set(file, `${diagnostics.get(file) ?? ''}${line}\n`)
  }
}, 60_000)

describe('a mistake in a pipeline, or in a service that uses it, is a compile error that names it', () => {
  test.each([
    ['unknown-key-field', '"user_id"', 'KeyField'],
    ['empty-partition-key', 'Source has 0 element(s) but target requires 1', 'not assignable'],
    ['unknown-partition-key', '"uuid"', 'KeyField'],
    ['wrong-duration', '"1sec"', '`${number}ms`'],
    ['value-lacks-field', "'email'", 'missing'],
    ['row-lacks-column', "'email'", 'missing'],
    ['wrong-task-edge', "'string' is not assignable to type 'number'", 'TaskNode'],
    ['client-wrong-field', "Type 'string' is not assignable to type 'number'", 'No overload'],
    ['client-missing-field', 'is missing', 'email'],
    ['client-unknown-field', "'mail' does not exist", 'email'],
    ['client-missing-key', "'age' is missing", '"age" | "id"'],
    ['client-unknown-column', "'email' does not exist", '"id"'],
    ['transform-in-schema', 'a transform cannot be stored', 'born_year'],
  ])('%s', (fixture, ...expected) => {
    const found = diagnostics.get(fixture) ?? ''
    for (const text of expected) expect(found).toContain(text)
  })

  test('and a right one compiles', () => {
    expect(diagnostics.get('shared')).toBeUndefined()
    expect(diagnostics.get('client-shared')).toBeUndefined()
  })
})
