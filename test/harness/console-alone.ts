import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bin } from './millrace.ts'

/** Clusters of a console that stands alone. */
export interface Clusters {
  readonly kafka: string
  readonly cassandra: string
  readonly registry: string
}

/** A `millrace console` as a user runs it, signed in by the link that it printed. */
export interface AloneConsole extends AsyncDisposable {
  readonly link: string
  /** With the base path. */
  readonly address: string
  readonly dataDir: string
  /** All it has printed. */
  output(): string
  get<T>(path: string): Promise<T>
  /** The status and what was answered. */
  send(method: string, path: string, body: unknown): Promise<{ status: number; answer: unknown }>
  /** Ends it as a user's Ctrl-C would; resolves to its exit code. */
  stop(): Promise<number | null>
}

type Environment = Readonly<Record<string, string>>

/** In a folder of its own, on a free port; rejects with what it printed when it ends instead. */
export async function startConsoleAlone(args: readonly string[], env: Environment = {}): Promise<AloneConsole> {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-console-'))
  const dataDir = join(dir, 'state')
  const child = spawn(process.execPath, [bin, 'console', ...args, '--port', '0', '--data-dir', dataDir, '--json'], {
    cwd: dir,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let text = ''
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  const said = new Promise<void>((resolve) => {
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        text += chunk.toString()
        if (/^\{.*\}\n/.test(text)) resolve()
      })
  })
  const stop = (signal: NodeJS.Signals): Promise<number | null> => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal)
    return ended
  }
  const dispose = async (): Promise<void> => {
    await stop('SIGKILL')
    rmSync(dir, { recursive: true, force: true, maxRetries: 5 })
  }
  await Promise.race([said, ended])
  if (!text.startsWith('{"event":"started"')) {
    await dispose()
    throw new Error(text)
  }
  const { address, link }: { address: string; link: string } = JSON.parse(text.split('\n')[0] ?? '')
  const session = await signedIn(address, link)
  return {
    link,
    address,
    dataDir,
    output: () => text,
    get: (path) => session('GET', path, undefined).then(({ answer }) => answer as never),
    send: session,
    stop: () => stop('SIGTERM'),
    [Symbol.asyncDispose]: dispose,
  }
}

type Ask = (method: string, path: string, body: unknown) => Promise<{ status: number; answer: unknown }>

/** Questions of who is signed in by the link: to an address of another, by a new one. */
export async function signedIn(address: string, link: string): Promise<Ask> {
  let headers: Record<string, string> = {}
  const ask: Ask = async (method, path, body) => {
    const response = await fetch(`${address}/api/v1${path}`, {
      method,
      headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const cookie = response.headers.get('set-cookie')?.split(';')[0]
    if (cookie !== undefined) headers = { cookie }
    return { status: response.status, answer: await response.json() }
  }
  await ask('POST', '/session', { link: new URL(link).hash.slice(1) })
  const { answer } = await ask('GET', '/me', undefined)
  headers = { ...headers, 'x-millrace-csrf': (answer as { csrf: string }).csrf }
  return ask
}
