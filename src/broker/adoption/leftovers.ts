import type { Disk } from '../../platform/index.ts'
import { scanSegment } from '../log/scan.ts'
import { segmentName } from '../log/segment.ts'

const segmentFile = /^(\d{20})\.(log|index|timeindex|txnindex|snapshot)$/
const workFile = /^(\d{20})\.(log|index|timeindex|txnindex|snapshot)\.(deleted|cleaned|swap)$/

/**
 * Finishes what Kafka had begun in a partition's folder, as its own start does (LogLoader): what was being deleted or compacted goes;
 * compacted segments that were ready (`.swap`) take the place of those they were made of.
 */
export function finishLeftovers(disk: Disk, dir: string): void {
  const work = disk.list(dir).flatMap((name) => {
    const [, base = '', kind = '', state = ''] = workFile.exec(name) ?? []
    return state === '' ? [] : [{ name, base: Number(base), kind, state }]
  })
  const cleaned = Math.min(Infinity, ...work.filter(({ state }) => state === 'cleaned').map(({ base }) => base))
  // A split that was not over: its `.swap` files from there on are not whole.
  const isReady = ({ state, base }: { state: string; base: number }): boolean => state === 'swap' && base < cleaned
  // `.cleaned` last: a crash in between must still find what it says of the `.swap` files.
  const rest = work.filter((each) => !isReady(each)).toSorted((a, b) => Number(a.state === 'cleaned') - Number(b.state === 'cleaned'))
  for (const { name } of rest) disk.remove(`${dir}/${name}`)
  const logs = work.filter((each) => isReady(each) && each.kind === 'log')
  const others = work.filter((each) => isReady(each) && each.kind !== 'log')
  replaceSegments(disk, dir, logs)
  // Logs first: while one is `.swap`, what lies in its place is taken for the old.
  for (const { name } of [...logs, ...others]) disk.rename(`${dir}/${name}`, `${dir}/${name.replace(/\.swap$/, '')}`)
}

/** Removes the segments that the ready ones stand for: all from the first of them to the end of the last. */
function replaceSegments(disk: Disk, dir: string, ready: readonly { name: string; base: number }[]): void {
  if (ready.length === 0) return
  const from = Math.min(...ready.map(({ base }) => base))
  const to = Math.max(...ready.map(({ name, base }) => endOf(disk, `${dir}/${name}`, base)))
  for (const name of disk.list(dir)) {
    const [, base = '', kind = ''] = segmentFile.exec(name) ?? []
    if (kind !== '' && kind !== 'snapshot' && Number(base) >= from && Number(base) < to)
      disk.remove(`${dir}/${segmentName(Number(base))}.${kind}`)
  }
}

/** The offset behind a segment's last batch. */
function endOf(disk: Disk, path: string, base: number): number {
  const file = disk.open(path, { create: false })
  let end = base
  scanSegment(file, { position: 0, offset: base }, ({ baseOffset, lastOffsetDelta }) => (end = Number(baseOffset) + lastOffsetDelta + 1))
  file.close()
  return end
}
