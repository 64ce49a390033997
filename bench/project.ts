import { spawn, type ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { createApiClient, readApiAddress, type ApiClient } from '../src/api-client/index.ts'
import { createProject, root } from '../test/harness/project.ts'

/** The reference job in a folder of its own, run as a user runs it: launcher, free ports, local stand-in. */
export interface BenchProject {
  readonly dir: string
  /** @returns the process, and milliseconds on `performance.now()` when it was asked for */
  start(
    args?: readonly string[],
    command?: 'start' | 'dev',
  ): {
    child: ChildProcess
    startedMs: number
    firstMatch(pattern: RegExp): Promise<number>
    stop(): Promise<void>
  }
  api(): Promise<ApiClient>
  /** Saves the pipeline file with an optional field more, in the topic's schema and in the table. */
  addField(name: string): void
  /** Takes the stream out of the pipeline file; the result puts it back. */
  withoutStream(): () => void
  remove(): void
}

export function createBenchProject(pace: string): BenchProject {
  const project = createProject(pace)
  return {
    dir: project.dir,
    start: (args = ['--trigger-once', 'user_automation'], command = 'start') => {
      const startedMs = performance.now()
      const child = spawn(process.execPath, [join(root, 'bin/millrace.mjs'), '--project', project.dir, command, ...args], {
        env: {
          ...process.env,
          MILLRACE_KAFKA_PORT: '0',
          MILLRACE_CQL_PORT: '0',
          MILLRACE_REGISTRY_PORT: '0',
          MILLRACE_CONSOLE_PORT: '0',
          MILLRACE_RANDOMUSER: 'local',
        },
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      let text = ''
      child.stdout.on('data', (chunk: Buffer) => {
        text += chunk.toString()
      })
      const firstMatch = async (pattern: RegExp): Promise<number> => {
        while (!pattern.test(text)) {
          if (child.exitCode !== null) throw new Error(`millrace ended: ${text}`)
          await new Promise((resolve) => setTimeout(resolve, 5))
        }
        return performance.now()
      }
      const stop = (): Promise<void> =>
        new Promise((resolve) => {
          child.once('exit', () => resolve())
          child.kill('SIGINT')
        })
      return { child, startedMs, firstMatch, stop }
    },
    api: async () => {
      for (;;) {
        const address = readApiAddress(project.dataDir)
        if (address !== null) return createApiClient(address.socket)
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
    },
    addField: (name) =>
      project.edit((code) =>
        code
          .replace('  picture: z.url(),', `  picture: z.url(),\n  ${name}: z.string().optional(),`)
          .replace('    picture: picture.medium,', `    picture: picture.medium,\n    ${name}: location.country,`),
      ),
    withoutStream: () => {
      let whole = ''
      project.edit((code) => {
        whole = code
        return code.replace(/export const loadUsers[\s\S]*?\n\n/, '')
      })
      return () => project.edit(() => whole)
    },
    remove: () => project.remove(),
  }
}
