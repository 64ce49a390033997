import { decodeResponse, type Api } from '../../../kafka-wire/index.ts'
import { createLogger, Releasers } from '../../../platform/index.ts'
import { resolveOptions } from '../../options.ts'
import type { BrokerState } from '../../requests/handler.ts'
import { handlers } from '../../requests/index.ts'
import { SaslSession } from '../../security/sasl-session.ts'
import { openData } from '../../start-broker.ts'
import { FailingDisk } from '../failing-disk.ts'
import { ManualClock } from '../manual-clock.ts'
import type { MemoryDisk } from '../memory-disk.ts'

const config = {
  'log.segment.bytes': '1200',
  'log.retention.check.interval.ms': '5000',
  'log.cleaner.backoff.ms': '3000',
  'offsets.topic.num.partitions': '2',
  'offsets.topic.segment.bytes': '1000',
  'transaction.state.log.num.partitions': '2',
  'transaction.state.log.segment.bytes': '1000',
}

/** Lets everything go on that waits for nothing but its turn. */
export async function takeTurns(count = 12): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve))
}

/** One run of the broker on a disk, without sockets and with a clock of its own: nothing in it depends on chance or time. */
export class Life {
  readonly disk: MemoryDisk
  readonly failing: FailingDisk
  readonly clock: ManualClock
  readonly lines: string[]
  readonly #broker: BrokerState
  readonly #releasers: Releasers
  readonly #ended = Promise.withResolvers<null>()

  private constructor(parts: {
    disk: MemoryDisk
    failing: FailingDisk
    clock: ManualClock
    lines: string[]
    broker: BrokerState
    releasers: Releasers
  }) {
    this.disk = parts.disk
    this.failing = parts.failing
    this.clock = parts.clock
    this.lines = parts.lines
    this.#broker = parts.broker
    this.#releasers = parts.releasers
  }

  /** @param changes after which the disk takes none any more */
  static async start(disk: MemoryDisk, nowMs: number, changes = Infinity): Promise<Life> {
    const clock = new ManualClock()
    clock.advance(nowMs - clock.nowMs())
    const failing = new FailingDisk(disk, changes)
    const releasers = new Releasers()
    const lines: string[] = []
    const log = createLogger((line) => lines.push(line))
    const listeners = [{ host: '127.0.0.1', port: 0 }]
    const { broker } = await openData(resolveOptions({ dataDir: '/data', disk: failing, clock, log, config, listeners }), releasers)
    return new Life({ disk, failing, clock, lines, broker, releasers })
  }

  /** The answer; null when the broker was gone before it came. */
  async ask<Req, Res, SparseReq, SparseRes>(
    api: Api<Req, Res, SparseReq, SparseRes>,
    version: number,
    body: NoInfer<SparseReq>,
  ): Promise<Res | null> {
    const handler = handlers.get(api.key)
    if (!handler) throw new Error(`${api.name} is not answered`)
    const answer = await Promise.race([
      handler.answer(0, api.request.encode(version, body), {
        broker: this.#broker,
        apiVersion: version,
        clientId: 'simulation',
        clientHost: '/127.0.0.1',
        advertised: { host: '127.0.0.1', port: 9092 },
        sasl: new SaslSession({ accounts: null, mechanisms: [], maxReauthMs: 0, clock: this.clock }),
        gone: new AbortController().signal,
      }),
      this.#ended.promise,
    ])
    return answer === null ? null : decodeResponse(api, version, Buffer.concat(answer).subarray(4)).body
  }

  /** Time goes by, with everything that is due in it. */
  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 1_000) {
      this.clock.advance(Math.min(left, 1_000))
      await takeTurns(6)
    }
  }

  async close(): Promise<void> {
    await this.#releasers.close()
    this.end()
  }

  /** Nothing that was asked is answered any more. */
  end(): void {
    this.#ended.resolve(null)
  }
}
