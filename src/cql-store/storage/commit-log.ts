import { crc32c } from '@node-rs/crc32'
import { MillraceError, type Disk, type DiskFile } from '../../platform/index.ts'
import { groupHeaderBytes } from './mutation-buffer.ts'

/**
 * `commitlog/0000000001.log`: 8 bytes head (`MRCL`, u32 version), then groups: u32 length, u32 CRC-32C of the payload, payload. A payload is
 * records: u16 length and key, u32 length and value. Only the newest file can end in a torn group, since older ones were synced
 * before the next was begun.
 */
const magic = 0x4d52434c
const version = 1
const headBytes = 8
/** Where the first group of a file begins. */
export const logHead = headBytes
/** A file is ended and the next begun after this many bytes, as soon as all of it is synced. */
const defaultFileBytes = 32 * 1024 * 1024
const maxGroupBytes = 512 * 1024 * 1024

export interface LogPosition {
  file: number
  offset: number
}

export class CommitLog {
  readonly #disk: Disk
  readonly #folder: string
  #file: DiskFile
  #number: number
  #offset = headBytes
  #syncedOffset = 0
  #syncsUnderWay = 0
  readonly #fileBytes: number
  readonly #needsSync: boolean

  /** Begins file `number`, which must not exist. `needsSync` false: nobody calls {@link sync}. */
  constructor(disk: Disk, folder: string, number: number, needsSync: boolean, fileBytes = defaultFileBytes) {
    this.#disk = disk
    this.#folder = folder
    this.#number = number
    this.#needsSync = needsSync
    this.#fileBytes = fileBytes
    this.#file = this.#begin(number)
  }

  get position(): LogPosition {
    return { file: this.#number, offset: this.#offset }
  }

  /** Writes one group into the page cache, filling in its header. On an error nothing was written as far as readers can tell. */
  append(group: Buffer): void {
    // What a newer file follows is on the disk, whole: only the newest may be torn, and damage in others is told.
    if (this.#offset >= this.#fileBytes && (this.#isSynced || !this.#needsSync)) this.#roll()
    group.writeUInt32BE(group.length - groupHeaderBytes, 0)
    group.writeUInt32BE(crc32c(group.subarray(groupHeaderBytes)), 4)
    try {
      this.#file.write([group], this.#offset)
    } catch (error) {
      this.#cut()
      throw error
    }
    this.#offset += group.length
  }

  /** Resolves when all that was appended before survives power loss (P1). A rejection is final. */
  async sync(): Promise<void> {
    const file = this.#file
    const offset = this.#offset
    this.#syncsUnderWay++
    try {
      await file.datasync()
      this.#syncedOffset = offset
    } finally {
      this.#syncsUnderWay--
    }
  }

  get #isSynced(): boolean {
    return this.#syncedOffset === this.#offset && this.#syncsUnderWay === 0
  }

  /** Deletes files that end before `position`. */
  forgetBefore(position: LogPosition): void {
    for (const number of logNumbers(this.#disk, this.#folder)) {
      if (number < position.file) this.#disk.remove(logPath(this.#folder, number))
    }
  }

  close(): void {
    this.#file.close()
  }

  #begin(number: number): DiskFile {
    const file = this.#disk.open(logPath(this.#folder, number), { create: true })
    const head = Buffer.alloc(headBytes)
    head.writeUInt32BE(magic, 0)
    head.writeUInt32BE(version, 4)
    try {
      file.write([head], 0)
    } catch (error) {
      file.close()
      this.#disk.remove(logPath(this.#folder, number))
      throw error
    }
    return file
  }

  #roll(): void {
    const next = this.#begin(this.#number + 1)
    this.#file.close()
    this.#file = next
    this.#number++
    this.#offset = headBytes
    this.#syncedOffset = 0
  }

  /** Takes a half-written group off the end; where even that fails, the next group overwrites it. */
  #cut(): void {
    try {
      this.#file.truncate(this.#offset)
    } catch {
      return
    }
  }
}

export function logPath(folder: string, number: number): string {
  return `${folder}/${String(number).padStart(10, '0')}.log`
}

export function logNumbers(disk: Disk, folder: string): number[] {
  return disk
    .list(folder)
    .filter((name) => /^\d{10}\.log$/.test(name))
    .map((name) => Number(name.slice(0, 10)))
}

/**
 * Reads every whole group from `position` on and cuts a torn end off the newest file. `group` gets each payload (its own memory).
 * @throws MillraceError DATA_CORRUPT when an older file is damaged: records that were acknowledged are lost then, and a person must decide
 */
export async function replayLog(
  disk: Disk,
  folder: string,
  position: LogPosition,
  group: (payload: Buffer) => Promise<void> | void,
): Promise<{ cutBytes: number; last: number }> {
  const numbers = logNumbers(disk, folder)
  let cutBytes = 0
  for (const [i, number] of numbers.entries()) {
    if (number < position.file) continue
    const file = disk.open(logPath(folder, number), { create: false })
    try {
      const from = number === position.file ? position.offset : headBytes
      const { end, size } = await readGroups(file, from, group)
      if (end >= size) continue
      if (i < numbers.length - 1) {
        throw new MillraceError(
          'DATA_CORRUPT',
          `${file.path} is damaged at byte ${end} of ${size}: restore it from a copy, or move it away to go on without its rows.`,
        )
      }
      cutBytes += size - end
      file.truncate(end)
      await file.datasync()
    } finally {
      file.close()
    }
  }
  return { cutBytes, last: Math.max(position.file, numbers.at(-1) ?? 0) }
}

/** Gives out whole groups from `from` on, until one is not; `end` is where that begins. */
export async function readGroups(
  file: DiskFile,
  from: number,
  group: (payload: Buffer) => Promise<void> | void,
): Promise<{ end: number; size: number }> {
  const size = file.sizeBytes()
  const head = Buffer.alloc(headBytes)
  if (file.read(head, 0, headBytes, 0) < headBytes) return { end: 0, size }
  if (head.readUInt32BE(0) !== magic) return { end: 0, size }
  if (head.readUInt32BE(4) > version)
    throw new MillraceError('DATA_DIR_NEWER', `${file.path} was written by a newer Millrace: use that one.`)
  let at = Math.max(from, headBytes)
  const groupHead = Buffer.alloc(groupHeaderBytes)
  while (at + groupHeaderBytes <= size) {
    file.read(groupHead, 0, groupHeaderBytes, at)
    const length = groupHead.readUInt32BE(0)
    if (length === 0 || length > maxGroupBytes || at + groupHeaderBytes + length > size) break
    const payload = Buffer.allocUnsafeSlow(length)
    file.read(payload, 0, length, at + groupHeaderBytes)
    if (crc32c(payload) !== groupHead.readUInt32BE(4)) break
    await group(payload)
    at += groupHeaderBytes + length
  }
  return { end: at, size }
}

/** The records of a group's payload, as views. */
export function* recordsOf(payload: Buffer): Generator<{ key: Buffer; record: Buffer }> {
  let at = 0
  while (at < payload.length) {
    const keyLength = payload.readUInt16BE(at)
    const key = payload.subarray(at + 2, at + 2 + keyLength)
    at += 2 + keyLength
    const length = payload.readUInt32BE(at)
    yield { key, record: payload.subarray(at + 4, at + 4 + length) }
    at += 4 + length
  }
}
