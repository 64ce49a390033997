import { spawn } from 'node:child_process'

/**
 * A shell that waits on a pipe from this process and knows its children: when the pipe ends because this process is gone,
 * however it went, it ends them. Children notice the closed pipe themselves, but not while user code keeps them busy.
 * A watcher thread in each child would do the same for 10 to 20 MB a child; the shell takes less than one for all.
 */
export interface Guard {
  add(pid: number): void
  remove(pid: number): void
  /** Lets it go without ending anyone: the children have been ended in order. */
  close(): void
}

/** Reads `+ pid` and `- pid` lines; ends what is left when the input ends. Ignores the terminal's signals, which reach the whole group. */
const script = `
trap '' HUP INT TERM
pids=' '
while read -r op pid; do
  case "$op" in
    +) pids="$pids$pid " ;;
    -) pids="\${pids%% $pid *} \${pids#* $pid }" ;;
  esac
done
for pid in $pids; do kill -9 "$pid" 2>/dev/null; done
`

export function startGuard(): Guard {
  const shell = spawn('/bin/sh', ['-c', script], { stdio: ['pipe', 'ignore', 'ignore'] })
  const pids = new Set<number>()
  const tell = (op: '+' | '-', pid: number): void => {
    if (shell.stdin.writable) shell.stdin.write(`${op} ${pid}\n`)
  }
  // Without a shell (or after it was killed) children still end by their closed pipe, and the next start ends orphans.
  shell.on('error', () => undefined)
  shell.stdin.on('error', () => undefined)
  shell.unref()
  return {
    add: (pid) => {
      pids.add(pid)
      tell('+', pid)
    },
    remove: (pid) => {
      pids.delete(pid)
      tell('-', pid)
    },
    close: () => {
      for (const pid of pids) tell('-', pid)
      shell.stdin.end()
    },
  }
}
