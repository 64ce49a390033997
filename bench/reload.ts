import { createBenchProject } from './project.ts'

/** Milliseconds from saving a pipeline file with a new optional field until `millrace dev` says that schema, table and stream have it. */
export async function benchReload(runs = 5): Promise<number[]> {
  const project = createBenchProject("every: '1s', for: '60s'")
  try {
    const started = project.start([], 'dev')
    await started.firstMatch(/files are watched/)
    const ms: number[] = []
    for (let i = 0; i <= runs; i++) {
      const savedMs = performance.now()
      project.addField(`extra${i}`)
      const seenMs = await started.firstMatch(new RegExp(`↻ .*created_users \\+ extra${i} text`))
      // The first one fills caches and is not counted.
      if (i > 0) ms.push(seenMs - savedMs)
    }
    await started.stop()
    return ms
  } finally {
    project.remove()
  }
}
