// Its interface of callbacks, which is that of node-rdkafka.
const { promisify } = require('node:util')
const { WITHIN_MS, until, text } = require('./waiting.cjs')

function callbackChecks({ AdminClient, KafkaConsumer, Producer, CODES }, servers) {
  const common = { 'bootstrap.servers': servers, 'socket.timeout.ms': WITHIN_MS }

  // Calls a method that ends with a callback.
  const call = (object, method, ...args) => promisify(object[method]).call(object, ...args)
  const nameOf = (code) => Object.entries(CODES.ERRORS).find(([, number]) => number === code)?.[0] ?? code

  async function create(topic, partitions = 1) {
    const admin = AdminClient.create(common)
    await call(admin, 'createTopic', { topic, num_partitions: partitions, replication_factor: 1 }, WITHIN_MS)
    return admin
  }

  async function producing(options = {}) {
    const producer = new Producer({ ...common, dr_cb: true, ...options }, {})
    await call(producer, 'connect', {})
    producer.setPollInterval(20)
    const reports = []
    producer.on('delivery-report', (error, report) => reports.push(error ? nameOf(error.code) : [report.partition, report.offset]))
    return { producer, reports }
  }

  async function consuming(group, options = {}) {
    const consumer = new KafkaConsumer(
      { ...common, 'group.id': group, 'enable.auto.commit': false, ...options },
      { 'auto.offset.reset': 'earliest' },
    )
    await call(consumer, 'connect', {})
    consumer.setDefaultConsumeTimeout(200)
    return consumer
  }

  async function take(consumer, count) {
    const deadline = Date.now() + WITHIN_MS
    const seen = []
    while (seen.length < count) {
      if (Date.now() > deadline) throw new Error(`${seen.length} of ${count} records came`)
      seen.push(...(await call(consumer, 'consume', count - seen.length)))
    }
    return seen
  }

  return {
    'by callbacks: delivery reports, headers, timestamps, keys': async () => {
      const topic = 'cj-rd-records'
      const admin = await create(topic, 2)
      const { producer, reports } = await producing({ 'enable.idempotence': true, 'compression.codec': 'lz4' })
      for (let i = 0; i < 10; i++) {
        producer.produce(topic, i % 2, Buffer.from(`v${i}`), `k${i}`, 1_700_000_000_000 + i, null, [{ h: `${i}` }])
      }
      await call(producer, 'flush', WITHIN_MS)
      await until(
        () => reports.length === 10,
        () => `10 reports, not ${reports.length}`,
      )
      const consumer = await consuming(topic)
      consumer.assign([{ topic, partition: 1, offset: 2 }])
      const seen = await take(consumer, 3)
      await call(consumer, 'disconnect')
      await call(producer, 'disconnect')
      await call(admin, 'deleteTopic', topic, WITHIN_MS)
      admin.disconnect()
      const records = seen.map(({ offset, key, value, timestamp, headers }) => [
        offset,
        text(key),
        text(value),
        timestamp,
        text(headers[0].h),
      ])
      return [reports.toSorted(([a, x], [b, y]) => a - b || x - y), records]
    },
    'by callbacks: a group, commits, seeking, pausing, watermarks, times': async () => {
      const topic = 'cj-rd-group'
      const admin = await create(topic)
      const { producer } = await producing()
      for (let i = 0; i < 10; i++) producer.produce(topic, 0, Buffer.from(`${i}`), null, 1_700_000_000_000 + i)
      await call(producer, 'flush', WITHIN_MS)
      const consumer = await consuming(topic)
      consumer.subscribe([topic])
      const first = await take(consumer, 10)
      consumer.commitMessageSync(first[6])
      const committed = (await call(consumer, 'committed', [{ topic, partition: 0 }], WITHIN_MS)).map(({ offset }) => offset)
      await call(consumer, 'seek', { topic, partition: 0, offset: 8 }, WITHIN_MS)
      const sought = (await take(consumer, 2)).map(({ offset }) => offset)
      const marks = await call(consumer, 'queryWatermarkOffsets', topic, 0, WITHIN_MS)
      const times = await call(consumer, 'offsetsForTimes', [{ topic, partition: 0, offset: 1_700_000_000_004 }], WITHIN_MS)
      consumer.pause([{ topic, partition: 0 }])
      producer.produce(topic, 0, Buffer.from('later'))
      await call(producer, 'flush', WITHIN_MS)
      const whilePaused = (await call(consumer, 'consume', 1)).length
      consumer.resume([{ topic, partition: 0 }])
      const later = (await take(consumer, 1)).map(({ value }) => text(value))
      const metadata = await call(consumer, 'getMetadata', { topic, timeout: WITHIN_MS })
      await call(consumer, 'disconnect')
      await call(producer, 'disconnect')
      admin.disconnect()
      const known = metadata.topics.find(({ name }) => name === topic).partitions.map(({ leader, replicas }) => [leader, replicas])
      return [
        first.length,
        committed,
        sought,
        [marks.lowOffset, marks.highOffset],
        times.map(({ offset }) => offset),
        whilePaused,
        later,
        known,
      ]
    },
    'by callbacks: transactions with offsets, and a producer that is fenced': async () => {
      const topic = 'cj-rd-tx'
      const transactional = { 'transactional.id': topic, 'transaction.timeout.ms': WITHIN_MS }
      const admin = await create(topic)
      const consumer = await consuming('cj-rd-tx-offsets')
      const { producer } = await producing(transactional)
      await call(producer, 'initTransactions', WITHIN_MS)
      for (const outcome of ['abortTransaction', 'commitTransaction', 'abortTransaction']) {
        await call(producer, 'beginTransaction')
        producer.produce(topic, 0, Buffer.from(outcome))
        // Else an abort may come before it is sent.
        await call(producer, 'flush', WITHIN_MS)
        const offset = outcome === 'commitTransaction' ? 5 : 9
        await call(producer, 'sendOffsetsToTransaction', [{ topic, partition: 0, offset }], consumer, WITHIN_MS)
        await call(producer, outcome, WITHIN_MS)
      }
      await call(producer, 'beginTransaction')
      producer.produce(topic, 0, Buffer.from('of the fenced one'))
      await call(producer, 'flush', WITHIN_MS)
      const other = await producing(transactional)
      await call(other.producer, 'initTransactions', WITHIN_MS)
      const fenced = await call(producer, 'commitTransaction', WITHIN_MS).then(String, ({ code, isFatal }) => [nameOf(code), isFatal])
      consumer.assign([{ topic, partition: 0, offset: 0 }])
      const seen = (await take(consumer, 1)).map(({ offset, value }) => [offset, text(value)])
      const committed = (await call(consumer, 'committed', [{ topic, partition: 0 }], WITHIN_MS)).map(({ offset }) => offset)
      for (const each of [consumer, producer, other.producer]) await call(each, 'disconnect')
      admin.disconnect()
      return [seen, committed, fenced]
    },
    'by callbacks: admin': async () => {
      const topic = 'cj-rd-admin'
      const admin = await create(topic)
      await call(admin, 'createPartitions', topic, 3, WITHIN_MS)
      const options = { timeout: WITHIN_MS }
      const describe = async () => (await call(admin, 'describeTopics', [topic], { ...options, includeAuthorizedOperations: true }))[0]
      // What a controller has accepted the brokers of a cluster show a moment later.
      let described = await describe()
      const late = Date.now() + WITHIN_MS
      while (described.partitions.length < 3 && Date.now() < late) described = await describe()
      const { producer } = await producing()
      const nowMs = Date.now()
      for (let i = 0; i < 5; i++) producer.produce(topic, 0, Buffer.from(`${i}`), null, nowMs + i)
      await call(producer, 'flush', WITHIN_MS)
      const [deleted] = await call(admin, 'deleteRecords', [{ topic, partition: 0, offset: 3 }], options)
      const specs = [{ timestamp: -2 }, { timestamp: -1 }, { timestamp: -3 }].map((offset) => ({ topic, partition: 0, offset }))
      const listed = []
      for (const spec of specs) listed.push(...(await call(admin, 'listOffsets', [spec], options)).map(({ offset }) => offset))
      const consumer = await consuming(topic)
      consumer.commitSync([{ topic, partition: 0, offset: 4, metadata: 'why' }])
      const [offsets] = await call(admin, 'listConsumerGroupOffsets', [{ groupId: topic }], options)
      const { groups } = await call(admin, 'listGroups', { ...options, matchConsumerGroupStates: [5] })
      const isListed = groups.some(({ groupId }) => groupId === topic)
      await call(consumer, 'disconnect')
      await call(producer, 'disconnect')
      const twice = await create(topic).then(String, ({ code }) => nameOf(code))
      const [gone] = await call(admin, 'deleteGroups', [topic], options)
      await call(admin, 'deleteTopic', topic, WITHIN_MS)
      const missing = await call(admin, 'deleteTopic', topic, WITHIN_MS).then(String, ({ code }) => nameOf(code))
      admin.disconnect()
      return [
        described.partitions.length,
        described.authorizedOperations.length > 0,
        deleted.lowWatermark,
        listed,
        offsets.partitions.map(({ partition, offset, metadata }) => [partition, offset, metadata]),
        isListed,
        twice,
        [gone.groupId, gone.errorCode ?? null],
        missing,
      ]
    },
  }
}

module.exports = { callbackChecks }
