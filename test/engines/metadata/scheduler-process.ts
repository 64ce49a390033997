import { appendFileSync } from 'node:fs'
import { startScheduler, type StartAttempt } from '../../../src/scheduler/index.ts'
import { parallelProject } from './parallel-project.ts'

/** A scheduler as a process of its own: it works on the store, and writes down when each of its attempts began and ended. */
const { url = '', witness = '', logsDir = '', instance = '' } = Object.fromEntries(new URLSearchParams(process.argv[2]))

const startAttempt: StartAttempt = ({ attempt }) => {
  const name = `${attempt.runId}/${attempt.taskId}`
  const line = (what: string): void =>
    appendFileSync(witness, `${JSON.stringify({ name, attempt: attempt.attempt, what, atMs: Date.now() })}\n`)
  line('start')
  const end = new Promise<{ is: 'ok'; value: null }>((resolve) => {
    setTimeout(
      () => {
        line('end')
        resolve({ is: 'ok', value: null })
      },
      // Not all alike, and the same in each run.
      60 + ((attempt.taskId.length * 37 + attempt.taskId.charCodeAt(attempt.taskId.length - 1) * 53) % 120),
    )
  })
  return { end, cancel: () => {} }
}

const scheduler = await startScheduler({
  metadataUrl: url,
  metadataPath: '',
  project: parallelProject.name,
  instance,
  logsDir,
  startAttempt,
  leaseMs: 3_000,
  pollMs: 200,
})
await scheduler.register(parallelProject)
process.stdout.write('ready\n')
process.on('SIGTERM', () => void scheduler.close())
