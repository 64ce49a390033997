import { spawn } from 'node:child_process'

/** Ends `pid` when this process is gone, however it went. A server of the JVM watches nothing by itself. */
export interface Guard {
  /** Once `pid` has ended: its number may be another's soon. */
  letGo(): void
}

/** Waits on a pipe from this process. A line means that all is well; the end of the pipe without one that the process is gone. */
const script = `trap '' HUP INT TERM; read -r line || kill -9 "$1" 2>/dev/null`

export function guard(pid: number): Guard {
  const shell = spawn('/bin/sh', ['-c', script, 'guard', String(pid)], { stdio: ['pipe', 'ignore', 'ignore'] })
  shell.on('error', () => undefined)
  shell.stdin.on('error', () => undefined)
  shell.unref()
  return { letGo: () => void shell.stdin.end('let go\n') }
}
