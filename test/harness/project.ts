import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export const root = join(import.meta.dirname, '../..')

/** A copy of the reference job in a folder of its own, as a user would have it. */
export interface TestProject {
  readonly dir: string
  readonly dataDir: string
  readonly pipelinePath: string
  /** Changes the pipeline file's text. */
  edit(change: (code: string) => string): void
  remove(): void
}

/**
 * @param pace replaces `every: '1s', for: '60s'` of the example, so that a test need not wait a minute. A test that counts users says
 *   `pages`: how many a time is enough for depends on the machine.
 */
export function createProject(pace = "every: '20ms', pages: 40"): TestProject {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-e2e-'))
  for (const file of ['millrace.config.ts', 'users.pipeline.ts', 'package.json'])
    cpSync(join(root, 'examples/users', file), join(dir, file))
  symlinkSync(join(root, 'node_modules'), join(dir, 'node_modules'))
  const pipelinePath = join(dir, 'users.pipeline.ts')
  const project: TestProject = {
    dir,
    dataDir: join(dir, '.millrace'),
    pipelinePath,
    edit: (change) => writeFileSync(pipelinePath, change(readFileSync(pipelinePath, 'utf8'))),
    remove: () => rmSync(dir, { recursive: true, force: true, maxRetries: 5 }),
  }
  project.edit((code) => asTested(code, pace))
  return project
}

/** The example at a test's pace; and a test that runs over midnight must not meet the day's scheduled run. */
export function asTested(example: string, pace: string): string {
  return example
    .replace("every: '1s', for: '60s'", pace)
    .replace("schedule: '@daily'", "schedule: '@daily', startDate: '2999-01-01T00:00:00Z'")
}
