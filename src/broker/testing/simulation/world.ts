import { createTopics, deleteRecords, errorCodes, offsetCommit, offsetFetch, produce } from '../../../kafka-wire/index.ts'
import { seededRandom } from '../../../../test/harness/seeded-random.ts'
import { MemoryDisk } from '../memory-disk.ts'
import { idempotentProducers, places, transactionalProducers, type Action } from './history.ts'
import { IdempotentProducer } from './idempotent-producer.ts'
import { Life, takeTurns } from './life.ts'
import { Model, retentionMs, Violation, type Reading, type Sent, type Transaction } from './model.ts'
import { endsOf, readOnce } from './reader.ts'
import { batchOf, passing, type Scene } from './scene.ts'
import { TransactionalProducer } from './transactional-producer.ts'

interface OffsetTry {
  readonly offset: number
  isTold: boolean
}

/** Carries out a history: clients, the broker's lives on one disk, and the model that both must agree with. */
export class World implements Scene {
  readonly model = new Model()
  life: Life
  /** How often the broker was started. */
  lives = 1
  #disk: MemoryDisk
  #release: () => void = () => {}
  #toCome: Extract<Action, { is: 'kill' }> | null = null
  #records = 0
  #tasks = new Set<Promise<void>>()
  #failures: unknown[] = []
  #turn = Promise.withResolvers<void>()
  #nextLife = Promise.withResolvers<void>()
  readonly #idempotent: IdempotentProducer[]
  readonly #transactional: TransactionalProducer[]
  /** By group, in their order. */
  readonly #offsets: OffsetTry[][] = [[], []]

  private constructor(disk: MemoryDisk, life: Life) {
    this.#disk = disk
    this.life = life
    this.#idempotent = Array.from({ length: idempotentProducers }, () => new IdempotentProducer(this))
    this.#transactional = Array.from({ length: transactionalProducers }, (_, number) => new TransactionalProducer(this, number))
  }

  /** @throws Violation, or what the broker threw */
  static async run(history: readonly Action[]): Promise<void> {
    const disk = new MemoryDisk()
    const world = new World(disk, await Life.start(disk, 1_700_000_000_000))
    await world.#makeTopics()
    for (const action of history) await world.#step(action)
    await world.#finish()
  }

  async #makeTopics(): Promise<void> {
    const topic = (name: string, numPartitions: number, settings: Record<string, string>) => ({
      name,
      numPartitions,
      replicationFactor: 1,
      assignments: [],
      configs: Object.entries(settings).map(([key, value]) => ({ name: key, value })),
    })
    const kept = { 'cleanup.policy': 'compact', 'min.cleanable.dirty.ratio': '0.01', 'delete.retention.ms': '6000' }
    const topics = [topic('log', 2, { 'retention.ms': `${retentionMs}` }), topic('kept', 1, kept)]
    const answer = await this.life.ask(createTopics, 5, { topics, timeoutMs: 0 })
    for (const { errorCode } of answer?.topics ?? []) if (errorCode !== errorCodes.NONE) throw new Error(`topics: error ${errorCode}`)
  }

  newRecord(place: number, transaction: Transaction | null): Sent {
    const number = this.#records++
    const isTombstone = places[place]?.topic === 'kept' && number % 7 === 0
    return this.model.send({
      id: `r${number}`,
      place,
      key: `k${number % 5}`,
      isTombstone,
      timestampMs: this.life.clock.nowMs(),
      transaction,
    })
  }

  decide(transaction: Transaction, outcome: 'committed' | 'aborted'): void {
    if (transaction.state === 'committed' || transaction.state === 'aborted') {
      if (transaction.state !== outcome) throw new Violation(`${transaction.id} was ${transaction.state}, and is told to be ${outcome}`)
    }
    transaction.state = outcome
  }

  mayRefuse(errorCode: number): boolean {
    return passing.has(errorCode)
  }

  nextTurn(): Promise<void> {
    return this.#turn.promise
  }
  nextLife(): Promise<void> {
    return this.#nextLife.promise
  }

  #start(task: Promise<void>): void {
    const tracked = task.catch((error: unknown) => void this.#failures.push(error)).finally(() => this.#tasks.delete(tracked))
    this.#tasks.add(tracked)
  }

  async #step(action: Action): Promise<void> {
    if (this.#toCome && this.life.failing.isDead) await this.#crash(this.#toCome)
    const turn = this.#turn
    this.#turn = Promise.withResolvers()
    turn.resolve()
    await this.#do(action)
    await takeTurns()
    if (this.#failures.length > 0) throw this.#failures[0]
  }

  async #do(action: Action): Promise<void> {
    switch (action.is) {
      case 'produce':
        return this.#start(this.#produce(action))
      case 'send':
        return this.#start(this.#idempotent[action.producer]?.send(action.place, action.count) ?? Promise.resolve())
      case 'resend':
        return this.#start(this.#idempotent[action.producer]?.resend(action.place) ?? Promise.resolve())
      case 'repeat':
        return this.#start(this.#idempotent[action.producer]?.repeat(action.place, action.back) ?? Promise.resolve())
      case 'transaction':
        return this.#start(this.#transactional[action.producer]?.run(action) ?? Promise.resolve())
      case 'commitOffset':
        return this.#start(this.#commitOffset(action.group))
      case 'read':
        return this.#start(this.#read(action))
      case 'deleteRecords':
        return this.#start(this.#deleteRecords(action))
      case 'pass':
        return this.life.pass(action.ms)
      case 'holdSyncs':
        return this.#holdSyncs()
      case 'settle':
        return this.#settle()
      case 'fillDisk':
        this.#disk.roomBytes = action.roomBytes
        return
      case 'restart':
        return this.#restart()
      case 'kill':
        return this.#kill(action)
    }
  }

  #holdSyncs(): void {
    const held = Promise.withResolvers<void>()
    this.#disk.holdSyncs = held.promise
    const before = this.#release
    this.#release = () => {
      before()
      held.resolve()
    }
  }

  async #settle(): Promise<void> {
    this.#disk.roomBytes = Infinity
    this.#disk.holdSyncs = Promise.resolve()
    this.#release()
    this.#release = () => {}
    for (let turns = 0; turns < 5 && this.#tasks.size > 0; turns++) await takeTurns()
  }

  async #produce({ place, count, acks }: Extract<Action, { is: 'produce' }>): Promise<void> {
    const { topic, partition } = places[place] ?? { topic: 'log', partition: 0 }
    const records = Array.from({ length: count }, () => this.newRecord(place, null))
    const topicData = [{ name: topic, partitionData: [{ index: partition, records: batchOf(records, {}) }] }]
    const answer = await this.life.ask(produce, 9, { acks, timeoutMs: 30_000, topicData })
    const told = answer?.responses[0]?.partitionResponses[0]
    if (!told) return
    if (told.errorCode !== errorCodes.NONE) {
      if (!this.mayRefuse(told.errorCode)) throw new Violation(`produce was refused with error ${told.errorCode}`)
      return
    }
    for (const [i, sent] of records.entries()) this.model.acknowledge(sent, Number(told.baseOffset) + i, acks === -1 ? 'power' : 'process')
  }

  async #commitOffset(group: number): Promise<void> {
    const tries = this.#offsets[group] ?? []
    const tried = { offset: tries.length + 1, isTold: false }
    tries.push(tried)
    const topics = [
      { name: 'log', partitions: [{ partitionIndex: 0, committedOffset: BigInt(tried.offset), committedMetadata: `m${tried.offset}` }] },
    ]
    const answer = await this.life.ask(offsetCommit, 8, { groupId: `group-${group}`, topics })
    const errorCode = answer?.topics[0]?.partitions[0]?.errorCode
    if (errorCode === errorCodes.NONE) tried.isTold = true
    else if (errorCode !== undefined && !this.mayRefuse(errorCode))
      throw new Violation(`a commit of offsets was refused with error ${errorCode}`)
  }

  async #read({ place, from, maxBytes, committed }: Extract<Action, { is: 'read' }>): Promise<void> {
    const { life } = this
    const ends = await endsOf(life, place, committed)
    if (!ends || life !== this.life) return
    const at = ends.start + Math.floor(from * (ends.end - ends.start + 1))
    const reading = await readOnce(life, place, { from: Math.min(at, ends.end), maxBytes, committed })
    if (reading && life === this.life) this.model.read(reading)
  }

  async #deleteRecords({ place, share }: Extract<Action, { is: 'deleteRecords' }>): Promise<void> {
    const ends = await endsOf(this.life, place, false)
    if (!ends) return
    const { topic, partition } = places[place] ?? { topic: 'log', partition: 0 }
    const offset = ends.start + Math.floor(share * (ends.end - ends.start))
    this.model.deletedTo[place] = Math.max(this.model.deletedTo[place] ?? 0, offset)
    const topics = [{ name: topic, partitions: [{ partitionIndex: partition, offset: BigInt(offset) }] }]
    await this.life.ask(deleteRecords, 2, { topics, timeoutMs: 1_000 })
  }

  async #restart(): Promise<void> {
    await this.#settle()
    await this.life.close()
    await takeTurns()
    if (this.#toCome && this.life.failing.isDead) return this.#crash(this.#toCome)
    await this.#startAgain(this.#disk)
  }

  async #kill(action: Extract<Action, { is: 'kill' }>): Promise<void> {
    if (action.afterChanges === 0 || this.#toCome) return this.#crash(action)
    this.#toCome = action
    this.life.failing.allow(action.afterChanges)
  }

  /** What is on the disk is all that is left. */
  async #crash({ power, tear }: Extract<Action, { is: 'kill' }>): Promise<void> {
    this.#toCome = null
    this.life.end()
    await takeTurns(2)
    const disk = this.#disk.copy()
    if (power) {
      disk.tear(tornBy(tear))
      this.model.losePower()
    }
    await this.#startAgain(disk)
  }

  async #startAgain(disk: MemoryDisk): Promise<void> {
    const nowMs = this.life.clock.nowMs()
    // Nothing that still runs of the life before reaches this disk.
    this.#disk = disk.copy()
    this.#release = () => {}
    this.#toCome = null
    this.life = await Life.start(this.#disk, nowMs)
    this.lives++
    const next = this.#nextLife
    this.#nextLife = Promise.withResolvers()
    next.resolve()
  }

  /** Everything settles; then all that was promised must be there, in this life and in the next. */
  async #finish(): Promise<void> {
    if (this.#toCome) await this.#crash(this.#toCome)
    await this.#settle()
    for (let turns = 0; turns < 30 && this.#tasks.size > 0; turns++) {
      await this.#step({ is: 'settle' })
      await this.life.pass(1_000)
    }
    if (this.#tasks.size > 0) throw new Violation(`${this.#tasks.size} requests were never answered`)
    for (const producer of this.#transactional)
      await this.#whileTurning(
        producer.initialise(true).then((done) => {
          if (!done) throw new Violation(`${producer.transactionalId} could not be initialised`)
        }),
      )
    await this.#readAll()
    await this.#restart()
    await this.#readAll()
    await this.#crash({ is: 'kill', afterChanges: 0, power: true, tear: 1 })
    await this.#readAll()
  }

  async #whileTurning(task: Promise<void>): Promise<void> {
    this.#start(task)
    for (let turns = 0; turns < 20 && this.#tasks.size > 0; turns++) await this.#step({ is: 'pass', ms: 1_000 })
    if (this.#tasks.size > 0) throw new Violation('a producer never got an answer')
  }

  async #readAll(): Promise<void> {
    for (const place of places.keys()) {
      for (const committed of [false, true, true]) await this.#readWhole(place, committed)
    }
    for (const [group, tries] of this.#offsets.entries()) await this.#checkOffset(`group-${group}`, tries)
    for (const { groupId, withOffsets } of this.#transactional) {
      const counted = withOffsets.filter(({ state }) => state === 'committed' || state === 'ending')
      await this.#checkOffset(
        groupId,
        counted.map(({ offset, state }) => ({ offset: offset ?? -1, isTold: state === 'committed' })),
      )
    }
  }

  async #readWhole(place: number, committed: boolean): Promise<void> {
    const ends = await endsOf(this.life, place, committed)
    if (!ends) throw new Violation('offsets cannot be listed')
    const whole = await endsOf(this.life, place, false)
    if (whole?.end !== ends.end) throw new Violation(`something is open in place ${place}: ${ends.end} of ${whole?.end}`)
    const readings: Reading[] = []
    for (let at = ends.start; readings.length === 0 || at < ends.end; at = readings.at(-1)?.next ?? at) {
      const reading = await readOnce(this.life, place, { from: at, maxBytes: 1 << 20, committed })
      if (!reading) throw new Violation(`place ${place} cannot be read`)
      readings.push(reading)
    }
    const last = readings.at(-1)
    if (last) this.model.read({ ...last, from: ends.start, isWhole: true, found: readings.flatMap(({ found }) => found) })
  }

  /** The last commit that was told, or one behind it that nobody was told of. */
  async #checkOffset(groupId: string, tries: readonly OffsetTry[]): Promise<void> {
    const topics = [{ name: 'log', partitionIndexes: [0] }]
    const answer = await this.life.ask(offsetFetch, 7, { groupId, topics, requireStable: true })
    const found = answer?.topics[0]?.partitions[0]
    const last = tries.findLastIndex(({ isTold }) => isTold)
    const allowed = tries.slice(Math.max(0, last)).map(({ offset }) => offset)
    if (last < 0) allowed.push(-1)
    const offset = Number(found?.committedOffset)
    if (found?.errorCode !== errorCodes.NONE || !allowed.includes(offset)) {
      throw new Violation(`${groupId} is at ${offset} (error ${found?.errorCode}); it may be at ${allowed.join(', ')}`)
    }
  }
}

/** Of each file what a power cut may leave: nothing, a part, all of it, a part and zeros. */
function tornBy(seed: number): (unsynced: Buffer) => Uint8Array {
  const random = seededRandom(seed)
  return (unsynced) => {
    const kept = Math.floor(random() * unsynced.length)
    const how = random()
    if (how < 0.35) return unsynced.subarray(0, 0)
    if (how < 0.65) return unsynced.subarray(0, kept)
    if (how < 0.8) return unsynced
    return Buffer.concat([unsynced.subarray(0, kept), Buffer.alloc(unsynced.length - kept)])
  }
}
