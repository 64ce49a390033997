import { errorCodes, initProducerId, produce } from '../../../kafka-wire/index.ts'
import { places } from './history.ts'
import { Violation, nameOf, type Sent } from './model.ts'
import { endsOf } from './reader.ts'
import { batchOf, type Scene } from './scene.ts'

interface Outgoing {
  readonly sequence: number
  readonly records: readonly Sent[]
  isUnderWay: boolean
  /** Where the log ended at least when it was sent first. */
  readonly sentAt: number
}

interface Line {
  nextSequence: number
  /** Oldest first. */
  unheard: Outgoing[]
  /** Acknowledged in this life of the broker, oldest first, with where. */
  acknowledged: { readonly outgoing: Outgoing; readonly offset: number; readonly life: unknown }[]
}

const maxUnheard = 5

/** A producer as Kafka's own: up to five batches on their way to each partition, sent again in their order when nothing was heard of them. */
export class IdempotentProducer {
  readonly #scene: Scene
  readonly #lines: Line[] = places.map(() => ({ nextSequence: 0, unheard: [], acknowledged: [] }))
  #producerId: Promise<bigint | null> | null = null

  constructor(scene: Scene) {
    this.#scene = scene
  }

  async #id(): Promise<bigint | null> {
    this.#producerId ??= this.#scene.life
      .ask(initProducerId, 4, { transactionalId: null, transactionTimeoutMs: 0 })
      .then((answer) => (answer?.errorCode === errorCodes.NONE ? answer.producerId : null))
    const id = await this.#producerId
    if (id === null) this.#producerId = null
    return id
  }

  async send(place: number, count: number): Promise<void> {
    const producerId = await this.#id()
    const line = this.#lines[place]
    if (producerId === null || !line || line.unheard.length >= maxUnheard) return
    const records = Array.from({ length: count }, () => this.#scene.newRecord(place, null))
    const outgoing = { sequence: line.nextSequence, records, isUnderWay: false, sentAt: this.#scene.model.highWatermark(place) }
    line.nextSequence += count
    line.unheard.push(outgoing)
    await (line.unheard.every((one) => one === outgoing || one.isUnderWay) ? this.#write(place, outgoing) : this.resend(place))
  }

  async resend(place: number): Promise<void> {
    const line = this.#lines[place]
    if (!line || line.unheard.some(({ isUnderWay }) => isUnderWay)) return
    await Promise.all(line.unheard.map((outgoing) => this.#write(place, outgoing)))
  }

  async #write(place: number, outgoing: Outgoing): Promise<void> {
    const line = this.#lines[place]
    const { life } = this.#scene
    outgoing.isUnderWay = true
    const answer = await this.#ask(place, outgoing)
    outgoing.isUnderWay = false
    if (!answer || !line) return
    if (answer.errorCode === errorCodes.NONE) {
      for (const [i, sent] of outgoing.records.entries()) this.#scene.model.acknowledge(sent, Number(answer.baseOffset) + i, 'power')
      line.unheard = line.unheard.filter((one) => one !== outgoing)
      line.acknowledged = [...line.acknowledged, { outgoing, offset: Number(answer.baseOffset), life }].slice(-maxUnheard)
      return
    }
    const isFirst = line.unheard[0] === outgoing
    if (this.#scene.mayRefuse(answer.errorCode) || (!isFirst && answer.errorCode === errorCodes.OUT_OF_ORDER_SEQUENCE_NUMBER)) return
    if (answer.errorCode === errorCodes.OUT_OF_ORDER_SEQUENCE_NUMBER && (await this.#mayBeForgotten(place, outgoing)))
      return void (line.unheard = line.unheard.filter((one) => one !== outgoing))
    throw new Violation(
      `sequence ${outgoing.sequence} of an idempotent producer of ${nameOf(place)} was refused with error ${answer.errorCode}`,
    )
  }

  /** Compaction, retention and deletion take batches that nobody was told of; of a producer its last one is known for ever, as in Kafka. */
  async #mayBeForgotten(place: number, { sentAt }: Outgoing): Promise<boolean> {
    if (places[place]?.topic === 'kept') return true
    const ends = await endsOf(this.#scene.life, place, false)
    return ends === null || ends.start > sentAt
  }

  async #ask(place: number, { sequence, records }: Outgoing): Promise<{ errorCode: number; baseOffset: bigint } | null> {
    const { topic, partition } = places[place] ?? { topic: 'log', partition: 0 }
    const producerId = (await this.#producerId) ?? -1n
    const bytes = batchOf(records, { producerId, producerEpoch: 0, baseSequence: sequence })
    const topicData = [{ name: topic, partitionData: [{ index: partition, records: bytes }] }]
    const answer = await this.#scene.life.ask(produce, 9, { acks: -1, timeoutMs: 30_000, topicData })
    return answer?.responses[0]?.partitionResponses[0] ?? null
  }

  /** The network brings one of the last five batches a second time: it has the same answer. */
  async repeat(place: number, back: number): Promise<void> {
    const line = this.#lines[place]
    const { life } = this.#scene
    const known = line?.acknowledged.at(-1 - back)
    if (!line || !known || known.life !== life || line.unheard.length > 0) return
    const answer = await this.#ask(place, known.outgoing)
    if (!answer || this.#scene.mayRefuse(answer.errorCode)) return
    if (answer.errorCode !== errorCodes.NONE || Number(answer.baseOffset) !== known.offset) {
      throw new Violation(
        `sequence ${known.outgoing.sequence} lies at ${known.offset} of ${nameOf(place)}, and its repetition was answered with ${answer.errorCode}, ${answer.baseOffset}`,
      )
    }
  }
}
