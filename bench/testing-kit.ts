import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

/** What is measured, in a process of its own each time: imports are part of what a test costs. */
const scripts: Readonly<Record<string, string>> = {
  'testStream (import, start, push, rows)': `
    const { z } = await import('zod')
    const { cassandraTable, schema, stream, topic } = await import('millrace')
    const began = performance.now()
    const { testStream } = await import('millrace/testing')
    const User = schema('User', { id: z.string(), name: z.string() })
    const users = topic('users', { value: User, key: 'id' })
    const load = stream('load').from(users).map((user) => user).to(cassandraTable('app', 'users', { row: User, partitionKey: ['id'] }))
    await using run = await testStream(load)
    await run.push([{ value: { id: 'a', name: 'ada' } }, { raw: '{' }])
    if (run.rows().length !== 1 || run.deadLetters().length !== 1) throw new Error('the stream did not run')
    const ms = performance.now() - began`,
  'startKafka (first in a process, import included)': first('startKafka'),
  'startKafka (further ones)': further('startKafka'),
  'startCqlStore (first)': first('startCqlStore'),
  'startCqlStore (further ones)': further('startCqlStore'),
  'startSchemaRegistry (first, with its Kafka)': first('startSchemaRegistry'),
  'startSchemaRegistry (further ones)': further('startSchemaRegistry'),
}

function first(name: string): string {
  return `
    const began = performance.now()
    const { ${name} } = await import('millrace/testing')
    await using part = await ${name}()
    const ms = performance.now() - began`
}

function further(name: string): string {
  return `
    const { ${name} } = await import('millrace/testing')
    await (await ${name}()).close()
    const began = performance.now()
    await using part = await ${name}()
    const ms = performance.now() - began`
}

/** Milliseconds of each run, by what was measured. */
export function benchTestingKit(runs = 5): Map<string, number[]> {
  return new Map(Object.entries(scripts).map(([name, script]) => [name, Array.from({ length: runs }, () => measure(script))]))
}

function measure(script: string): number {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [
      '--conditions=millrace-source',
      '--disable-warning=ExperimentalWarning',
      '--input-type=module',
      '--eval',
      `${script}\nconsole.log(ms)`,
    ],
    { cwd: join(import.meta.dirname, '..'), encoding: 'utf8' },
  )
  if (status !== 0) throw new Error(stderr)
  return Number(stdout)
}
