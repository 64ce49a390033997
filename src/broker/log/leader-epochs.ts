import type { Disk } from '../../platform/index.ts'
import { readCheckpoint, writeCheckpoint } from './checkpoint-file.ts'

/** Which leader epoch begins at which offset (KIP-101), as Kafka's `leader-epoch-checkpoint`. */
export class LeaderEpochs {
  readonly #disk: Disk
  readonly #path: string
  #entries: { epoch: number; startOffset: number }[]
  #changed = false

  constructor(disk: Disk, dir: string) {
    this.#disk = disk
    this.#path = `${dir}/leader-epoch-checkpoint`
    this.#entries = readCheckpoint(disk, this.#path, 2).map(([epoch, startOffset]) => ({
      epoch: Number(epoch),
      startOffset: Number(startOffset),
    }))
  }

  get latest(): number {
    return this.#entries.at(-1)?.epoch ?? -1
  }

  /** Notes that `epoch` is in force from `startOffset` on; nothing when it is already. */
  note(epoch: number, startOffset: number): void {
    if (epoch <= this.latest) return
    this.#entries.push({ epoch, startOffset })
    this.#changed = true
  }

  /** Drops what begins at `endOffset` or later, after the log was cut there. */
  cut(endOffset: number): void {
    const kept = this.#entries.filter((entry) => entry.startOffset < endOffset)
    this.#changed ||= kept.length !== this.#entries.length
    this.#entries = kept
  }

  /** Drops epochs that end at or before the log's first offset. */
  startAt(startOffset: number): void {
    while ((this.#entries[1]?.startOffset ?? Infinity) <= startOffset) {
      this.#entries.shift()
      this.#changed = true
    }
  }

  /** The largest epoch not above `epoch` and where it ends; null when there is none. `logEndOffset` ends the last one. */
  endOf(epoch: number, logEndOffset: number): { epoch: number; endOffset: number } | null {
    const index = this.#entries.findLastIndex((entry) => entry.epoch <= epoch)
    const entry = this.#entries[index]
    return entry ? { epoch: entry.epoch, endOffset: this.#entries[index + 1]?.startOffset ?? logEndOffset } : null
  }

  /** The epoch of the record at `offset`, −1 when unknown. */
  at(offset: number): number {
    return this.#entries.findLast((entry) => entry.startOffset <= offset)?.epoch ?? -1
  }

  save(): void {
    if (!this.#changed) return
    writeCheckpoint(
      this.#disk,
      this.#path,
      this.#entries.map(({ epoch, startOffset }) => [epoch, startOffset]),
    )
    this.#changed = false
  }
}
