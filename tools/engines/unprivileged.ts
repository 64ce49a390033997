import { spawnSync } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Command } from './system.ts'

/** `nobody` and `nogroup`, as every Linux has them. */
const ORDINARY = 65_534

const isRoot = (): boolean => process.getuid?.() === 0

/** Gives a folder to the user that `asOrdinaryUser` runs programs as; nothing to do for one who is no root. */
export function giveToOrdinaryUser(dir: string): void {
  if (isRoot()) spawnSync('chown', ['-R', `${ORDINARY}:${ORDINARY}`, dir])
}

/**
 * The command as one that root may give for a program which refuses to run as root: `setpriv` (util-linux) becomes `nobody` and then the
 * program, under the same process id. Where only root may enter a folder on the way to `paths` (a cache below /root), it keeps the one
 * capability of passing through.
 */
export function asOrdinaryUser(command: Command, paths: readonly string[]): Command {
  if (!isRoot()) return command
  const capability = paths.every(isReachable) ? null : passingCapability()
  const kept =
    capability === null ? [] : ['--securebits=+no_setuid_fixup', `--inh-caps=-all,+${capability}`, `--ambient-caps=-all,+${capability}`]
  return {
    ...command,
    file: 'setpriv',
    args: [`--reuid=${ORDINARY}`, `--regid=${ORDINARY}`, '--clear-groups', ...kept, command.file, ...command.args],
  }
}

/** True when everybody may enter every folder above. */
function isReachable(path: string): boolean {
  const parent = dirname(path)
  return parent === path || ((statSync(parent).mode & 0o001) !== 0 && isReachable(parent))
}

/** Containers often lack the one that only reads (capabilities(7): bit 1 is CAP_DAC_OVERRIDE, bit 2 CAP_DAC_READ_SEARCH). */
function passingCapability(): 'dac_read_search' | 'dac_override' {
  const bounding = BigInt(`0x${/^CapBnd:\s*([0-9a-f]+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0'}`)
  return (bounding & 4n) === 0n ? 'dac_override' : 'dac_read_search'
}
