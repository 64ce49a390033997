import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { connectKafka } from '../../src/kafka-client/index.ts'
import { processIsAlive } from '../../src/platform/index.ts'
import { ensureArtifacts, isComplete } from '../../tools/engines/artifacts.ts'
import { engines } from '../../tools/engines/index.ts'
import { eventually } from '../harness/millrace.ts'
import { root } from '../harness/project.ts'
import { enginesAvailable } from './available.ts'

const topics = async (bootstrapServers: string): Promise<string[]> => {
  await using kafka = await connectKafka({ bootstrapServers: [bootstrapServers], clientId: 'engines-test' })
  return (await kafka.admin.metadata()).topics.map(({ name }) => name)
}

describe.skipIf(!enginesAvailable('kafka4'))('a real system under tools/engines', () => {
  test('keeps its data and its address over kill and restart, and leaves only its log behind', { timeout: 600_000 }, async () => {
    const kafka = await engines.kafka4()
    try {
      const { bootstrapServers, pid } = kafka
      await using client = await connectKafka({ bootstrapServers: [bootstrapServers], clientId: 'engines-test' })
      await client.admin.createTopics([{ name: 'kept', partitions: 1 }])
      await kafka.kill()
      expect(processIsAlive(pid)).toBe(false)
      await kafka.restart()
      expect(kafka.bootstrapServers).toBe(bootstrapServers)
      expect(kafka.pid).not.toBe(pid)
      expect(await topics(bootstrapServers)).toContain('kept')
    } finally {
      await kafka[Symbol.asyncDispose]()
    }
    expect(await isListening(kafka.ports.kafka ?? 0)).toBe(false)
    expect(readFileSync(kafka.logs[0] ?? '', 'utf8')).toMatch(/Kafka Server started/)
  })

  test('ends when the process that started it is killed', { timeout: 600_000 }, async () => {
    const script = [
      `import { engines } from ${JSON.stringify(join(root, 'tools/engines/index.ts'))}`,
      'const kafka = await engines.kafka4()',
      'console.log(JSON.stringify(kafka.pids))',
      'setInterval(() => {}, 1000)',
    ].join('\n')
    const owner = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
    const pids = await new Promise<number[]>((resolve, reject) => {
      owner.stdout.once('data', (chunk: Buffer) => resolve(JSON.parse(chunk.toString())))
      owner.once('exit', (code) => reject(new Error(`the owner ended with ${code}`)))
    })
    expect(pids.filter(processIsAlive)).toEqual(pids)
    owner.kill('SIGKILL')
    await eventually(
      () => pids.filter(processIsAlive),
      (alive) => alive.length === 0,
      5_000,
    )
  })

  test('has artifacts whose folder is brought again when a file is damaged', { timeout: 600_000 }, async () => {
    const cache = mkdtempSync(join(tmpdir(), 'millrace-artifacts-'))
    try {
      const system = {
        name: 'one-jar',
        title: 'one jar',
        artifacts: [{ is: 'maven', coordinates: ['org.slf4j:slf4j-api:1.7.36'] }],
      } as const
      const dir = await ensureArtifacts(system, cache)
      const jar = join(dir, 'slf4j-api-1.7.36.jar')
      expect(existsSync(jar)).toBe(true)
      writeFileSync(jar, 'cut')
      expect(isComplete(dir)).toBe(false)
      expect(await ensureArtifacts(system, cache)).toBe(dir)
      expect(isComplete(dir)).toBe(true)
    } finally {
      rmSync(cache, { recursive: true, force: true })
    }
  })

  test('says which artifact does not exist', { timeout: 600_000 }, async () => {
    const cache = mkdtempSync(join(tmpdir(), 'millrace-artifacts-'))
    try {
      const system = {
        name: 'none',
        title: 'No such thing',
        artifacts: [{ is: 'maven', coordinates: ['org.slf4j:slf4j-api:0.0.0'] }],
      } as const
      await expect(ensureArtifacts(system, cache)).rejects.toMatchObject({
        code: 'UNREACHABLE',
        message: expect.stringMatching(/No such thing.*slf4j-api.*0\.0\.0/),
      })
      expect(isComplete(join(cache, 'artifacts'))).toBe(false)
    } finally {
      rmSync(cache, { recursive: true, force: true })
    }
  })
})

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port })
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.unref()
  })
}
