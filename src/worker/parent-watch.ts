import { Worker } from 'node:worker_threads'

/**
 * Ends this process when its supervisor is gone, even while user code keeps the main thread busy: the closed pipe is
 * noticed by the main thread, the changed parent by a thread of its own. An orphan must not go on (P7).
 */
export function endWithParent(): void {
  process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'))
  const watch = `
    const parent = ${process.ppid}
    setInterval(() => { if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL') }, 200)
  `
  new Worker(watch, {
    eval: true,
    execArgv: [],
    resourceLimits: { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 16 },
  }).unref()
}
