export interface Work {
  readonly bootstrapServers: string
  readonly topic: string
  /** 100 bytes each, without a key. */
  readonly records: number
}

/** A client under measurement. Nothing is compressed; acks=all. */
export interface Client {
  /** Calls of 1,000 records, eight of them in flight. */
  produce(work: Work): Promise<void>
  /** From the beginning; `seen` is told how many records were looked at, a batch or record at a time. */
  consume(work: Work, seen: (count: number) => void): Promise<void>
}

const perCall = 1000
const inFlight = 8
export const value = Buffer.alloc(100, 'x')

export async function inCalls(records: number, send: (count: number) => Promise<unknown>): Promise<void> {
  let left = records
  const loop = async (): Promise<void> => {
    while (left > 0) {
      const count = Math.min(perCall, left)
      left -= count
      await send(count)
    }
  }
  await Promise.all(Array.from({ length: inFlight }, loop))
}
