import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Clusters } from './console-alone.ts'
import { bin } from './millrace.ts'

/** Parts that run alone, by `millrace serve`, in a folder of their own; the folder and whatever still runs in it go at the end. */
export class ServedParts implements AsyncDisposable {
  readonly dir: string
  readonly #children: ChildProcess[] = []

  /** @param files by name, readable by the owner alone */
  constructor(files: Readonly<Record<string, string>>) {
    this.dir = mkdtempSync(join(tmpdir(), 'millrace-serve-'))
    for (const [name, text] of Object.entries(files)) writeFileSync(join(this.dir, name), text, { mode: 0o600 })
  }

  /** Resolves to what it says once it listens, or as it ends. */
  async serve(args: readonly string[], env: Readonly<Record<string, string>>): Promise<string> {
    const options = { cwd: this.dir, env: { ...process.env, ...env } }
    const child = spawn(process.execPath, [bin, 'serve', ...args, '--json'], { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
    this.#children.push(child)
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
    await Promise.race([
      new Promise((resolve) => child.stdout.once('data', resolve)),
      new Promise((resolve) => child.once('close', resolve)),
    ])
    return output
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) {
      if (child.exitCode !== null || child.signalCode !== null) continue
      const ended = new Promise((resolve) => child.once('close', resolve))
      child.kill('SIGKILL')
      await ended
    }
    rmSync(this.dir, { recursive: true, force: true })
  }
}

/** Where a part answers, by what it says. */
export function addressIn(said: string): string {
  const { address }: { address: string } = JSON.parse(said)
  return address
}

/** A broker, a table store and a registry of their own, which know of no project. */
export async function serveClusters(parts: ServedParts): Promise<Clusters> {
  const served = async (...args: string[]): Promise<string> => addressIn(await parts.serve([...args, '--port', '0'], {}))
  const [kafka, cassandra] = await Promise.all([served('broker'), served('cql-store')])
  return { kafka, cassandra, registry: await served('registry', '--kafka', kafka) }
}
