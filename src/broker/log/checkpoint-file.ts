import type { Disk } from '../../platform/index.ts'
import { MillraceError } from '../../platform/index.ts'

/**
 * Kafka's text checkpoints: a version line (`0`), a count line, then one line an entry, fields separated by a space.
 * Written so that a crash leaves the old or the new content.
 */
export function writeCheckpoint(disk: Disk, path: string, entries: readonly (readonly (string | number)[])[]): void {
  disk.replaceFile(path, `0\n${entries.length}\n${entries.map((entry) => entry.join(' ') + '\n').join('')}`)
}

/** Entries of a checkpoint, each with exactly `fields` fields; empty when there is no file. @throws MillraceError DATA_CORRUPT */
export function readCheckpoint(disk: Disk, path: string, fields: number): string[][] {
  if (!disk.exists(path)) return []
  const lines = new TextDecoder().decode(disk.readFile(path)).split('\n')
  const entries = lines
    .slice(2)
    .filter((line) => line !== '')
    .map((line) => line.split(' '))
  const sound = lines[0] === '0' && Number(lines[1]) === entries.length && entries.every((entry) => entry.length === fields)
  if (!sound) {
    throw new MillraceError(
      'DATA_CORRUPT',
      `${path} is not a checkpoint of Kafka's format (version 0). Restore it from a copy, or remove it: the log is then checked from its start.`,
    )
  }
  return entries
}
