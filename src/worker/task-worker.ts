import type { FromTask, ToTask } from '../core/index.ts'
import { createLogger, MillraceError } from '../platform/index.ts'
import { openChannel } from './channel.ts'
import { runTask } from './run-task.ts'

/** One attempt at a time; the supervisor keeps the child warm between them. */
export async function serveTasks(): Promise<void> {
  const channel = openChannel<ToTask, FromTask>()
  let current: AbortController | null = null
  channel.onMessage((message) => {
    if (message.is === 'cancel') {
      current?.abort(new MillraceError('CANCELLED', message.reason))
      return
    }
    const controller = new AbortController()
    current = controller
    const log = createLogger((line) => void channel.send({ is: 'log', line: line.trimEnd(), at: Date.now() }), {
      part: 'task',
      level: 'warn',
    })
    void runTask(message, controller.signal, (report) => void channel.send(report), log).then(async (result) => {
      current = null
      await channel.send({ is: 'end', attempt: message.attempt, result })
    })
  })
  await channel.send({ is: 'ready' })
}
