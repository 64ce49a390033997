import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { engines, type KafkaEngine } from '../../tools/engines/index.ts'
import { bin, eventually } from '../harness/millrace.ts'
import { succeed, usersEnvironment } from '../harness/packed.ts'
import { PageWalk, type WalkOptions } from '../harness/page-walk.ts'
import { root } from '../harness/project.ts'
import { steps, whatIsThere } from '../harness/ten-minutes.ts'
import type { PageStep } from '../harness/walked-page.ts'
import { describeOn } from './available.ts'

const addressOnPage = 'localhost:9092'

describeOn(['kafka4'], 'the first ten minutes on Kafka 4', () => {
  const folders: string[] = []
  let kafka: KafkaEngine
  let walk: PageWalk | null = null

  // Each begins on a Kafka that knows nothing of it.
  beforeEach(async () => {
    kafka = await engines.kafka4()
  }, 600_000)
  afterEach(async () => {
    await walk?.[Symbol.asyncDispose]()
    await kafka[Symbol.asyncDispose]()
    for (const dir of folders.splice(0)) rmSync(dir, { recursive: true, force: true, maxRetries: 5 })
  }, 120_000)

  const onThis = (text: string): string => text.replace(addressOnPage, kafka.bootstrapServers)
  const stepNamed = (name: string): PageStep => steps.find((step) => step.name === name) ?? { title: name, blocks: [] }

  /** What `npm create millrace my-users` writes, with this tree's Millrace as its packages. */
  function begin(options: Pick<WalkOptions, 'asTyped' | 'asShown'>): PageWalk {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-ten-minutes-'))
    folders.push(folder)
    succeed(process.execPath, [bin, 'init', 'my-users'], { cwd: folder, env: process.env })
    symlinkSync(join(root, 'node_modules'), join(folder, 'my-users/node_modules'))
    walk = new PageWalk({ dir: join(folder, 'my-users'), env: usersEnvironment, ...options })
    return walk
  }

  test('a project that began on the embedded one goes on there by one environment variable', { timeout: 300_000 }, async () => {
    const project = begin({ asTyped: onThis, asShown: onThis })
    await project.step(stepNamed('Start it'))
    await eventually(
      () => project.run('npx millrace runs'),
      (runs) => runs.includes('success'),
      90_000,
    )
    await project.step(stepNamed('The same on real Kafka'))
    const { flow, keys, rows } = await whatIsThere(project)
    expect(flow).toMatchObject({ fetched: 20, inTopic: 20, inTable: 20, lag: 0 })
    expect(rows.toSorted()).toEqual(keys.toSorted())
    expect(await project.run('npx millrace stop')).toContain('stopped')
  })

  test('each other step is the same there, through kill -9', { timeout: 300_000 }, async () => {
    const shownThere = /^kafka .*$/m.exec(textOf(stepNamed('The same on real Kafka')))?.[0] ?? ''
    expect(shownThere).toContain(addressOnPage)
    const project = begin({
      asTyped: (command) => (command === 'npm run dev' ? `MILLRACE_KAFKA_BOOTSTRAP_SERVERS=${kafka.bootstrapServers} ${command}` : command),
      // Values are JSON where no registry is named: no schema has versions then. What such a Kafka recovers it does not tell.
      asShown: (text) =>
        onThis(text.replace(/^kafka .*$/m, shownThere))
          .replaceAll(/^(registry|recovered) .*\n/gm, '')
          .replace('schema v2 BACKWARD ok · ', ''),
    })
    // The project's own tests have no Kafka; and this tree's Millrace is not built.
    for (const step of steps.slice(1, -1).filter(({ name }) => name !== 'Test it')) await project.step(step)
    const { flow, keys, rows } = await whatIsThere(project)
    expect(flow).toMatchObject({ inTopic: flow.fetched + 1, inTable: flow.inTopic, deadLetters: 0, lag: 0 })
    expect(rows.toSorted()).toEqual(keys.toSorted())
    expect(await project.run('npx millrace stop')).toContain('stopped')
  })
})

function textOf({ blocks }: PageStep): string {
  return blocks.map((block) => (block.is === 'output' ? block.text : '')).join('\n')
}
