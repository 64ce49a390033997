import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { expect, test, vi } from 'vitest'
import type { FromStreams, Project, ToStreams } from '../core/index.ts'
import { childExecArgv } from '../platform/index.ts'

const project: Project = { name: 'p', schemas: [], topics: [], tables: [], streams: [], dags: [] }
const endpoints: Extract<ToStreams, { is: 'start' }>['endpoints'] = {
  kafka: { bootstrapServers: ['127.0.0.1:1'] },
  cassandra: { contactPoints: ['127.0.0.1:1'], localDataCenter: 'datacenter1', consistency: 'ONE' },
  registry: null,
  randomUser: { url: 'http://127.0.0.1:1', is: 'local', seed: 's', why: 'of the test' },
}

test('a child whose streams have all ended says at once that it has stopped', async () => {
  const child: ChildProcess = fork(new URL('./main.ts', import.meta.url), ['streams'], { execArgv: [...childExecArgv] })
  try {
    const said: FromStreams[] = []
    child.on('message', (message) => said.push(message as FromStreams))
    const send = (message: ToStreams): boolean => child.send(message)
    await vi.waitFor(() => expect(said).toContainEqual({ is: 'ready' }), { timeout: 60_000 })
    send({ is: 'start', project, streams: ['gone'], endpoints, instance: 'i' })
    const ended = { is: 'status', status: expect.objectContaining({ stream: 'gone', state: expect.objectContaining({ is: 'stopped' }) }) }
    await vi.waitFor(() => expect(said).toContainEqual(ended), { timeout: 60_000 })
    send({ is: 'stop' })
    await vi.waitFor(() => expect(said.at(-1)).toEqual({ is: 'stopped' }), { timeout: 60_000 })
  } finally {
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
})
