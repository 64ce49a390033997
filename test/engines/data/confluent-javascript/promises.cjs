// Its interface of promises, which is like that of kafkajs.
const { WITHIN_MS, until, text, numbered } = require('./waiting.cjs')

const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd']

function promiseChecks({ KafkaJS }, servers) {
  const kafka = new KafkaJS.Kafka({ kafkaJS: { brokers: [servers], logLevel: 0, requestTimeout: WITHIN_MS, connectionTimeout: WITHIN_MS } })

  async function administer(what) {
    const admin = kafka.admin()
    await admin.connect()
    try {
      return await what(admin)
    } finally {
      await admin.disconnect()
    }
  }

  const create = (topic, numPartitions = 1) =>
    administer((admin) => admin.createTopics({ topics: [{ topic, numPartitions }], timeout: WITHIN_MS }))

  async function send(topic, messages, options = {}) {
    const producer = kafka.producer({ kafkaJS: { acks: -1, ...options } })
    await producer.connect()
    try {
      return await producer.send({ topic, messages })
    } finally {
      await producer.disconnect()
    }
  }

  // A member of the group of the topic's name: what it saw, and its end.
  async function join(topic, options = {}) {
    const consumer = kafka.consumer({ kafkaJS: { groupId: topic, fromBeginning: true }, ...options })
    await consumer.connect()
    await consumer.subscribe({ topics: [topic] })
    const seen = []
    await consumer.run({ eachMessage: async ({ partition, message }) => void seen.push({ partition, ...message }) })
    return {
      consumer,
      seen,
      has: (count) =>
        until(
          () => seen.length >= count,
          () => `${count} records, ${seen.length} came`,
        ),
    }
  }

  // Reads until so many came, commits them, and leaves.
  async function read(topic, count, options = {}) {
    const { consumer, seen, has } = await join(topic, options)
    await has(count)
    await consumer.commitOffsets()
    await consumer.disconnect()
    return seen
  }

  async function goesOn(topic, options) {
    await create(topic, 3)
    await send(topic, numbered(30))
    const first = (await read(topic, 30, options)).length
    await send(topic, [{ value: 'more' }])
    const second = (await read(topic, 1, options)).map(({ value }) => text(value))
    const { groups } = await administer((admin) => admin.describeGroups([topic]))
    return [first, second, groups.map(({ type, partitionAssignor, state }) => [type, partitionAssignor, state])]
  }

  // Two members share four partitions; one leaves, and the other has them all.
  async function shared(topic, options) {
    await create(topic, 4)
    const members = [await join(topic, options), await join(topic, options)]
    const counts = () => members.map(({ consumer }) => consumer.assignment().length)
    await until(
      () => counts().every((count) => count === 2),
      () => `two partitions each, not ${counts().join(' and ')}`,
    )
    const messages = numbered(80).map((message, i) => ({ ...message, partition: i % 4 }))
    await send(topic, messages)
    const total = () => members.reduce((sum, { seen }) => sum + seen.length, 0)
    await until(
      () => total() === 80,
      () => `80 records, ${total()} came`,
    )
    const protocol = members[0].consumer.rebalanceProtocol()
    const [described] = (await administer((admin) => admin.describeGroups([topic]))).groups
    const each = members.map(({ seen }) => seen.length)
    await members[0].consumer.disconnect()
    await until(
      () => members[1].consumer.assignment().length === 4,
      () => 'all partitions',
    )
    await members[1].consumer.disconnect()
    return [each, protocol, described.partitionAssignor, described.members.length]
  }

  return {
    'records of every codec, headers, nulls, timestamps, idempotent': async () => {
      const topic = 'cj-codecs'
      await create(topic)
      for (const compression of codecs) {
        const messages = [
          { key: 'k', value: compression, headers: { a: 'b' }, timestamp: '1700000000123' },
          { key: null, value: null, timestamp: '1700000000124' },
        ]
        await send(topic, messages, { compression, idempotent: true })
      }
      const seen = await read(topic, 10)
      return seen.map(({ offset, key, value, timestamp, headers }) => [offset, text(key), text(value), timestamp, text(headers?.a)])
    },
    'acks: none, of the leader, of all': async () => {
      await create('cj-acks')
      const told = []
      for (const acks of [0, 1, -1]) {
        const [{ baseOffset, errorCode }] = await send('cj-acks', [{ value: `${acks}` }], { acks })
        told.push([acks, errorCode, acks === 0 ? null : baseOffset])
      }
      return [told, (await read('cj-acks', 3)).map(({ value }) => text(value))]
    },
    'a group that goes on where it stopped': () => goesOn('cj-group'),
    'a group of the next generation (KIP-848)': () => goesOn('cj-next', { 'group.protocol': 'consumer' }),
    'a cooperative group that is shared and left': () =>
      shared('cj-cooperative', { 'partition.assignment.strategy': 'cooperative-sticky' }),
    'a group by range that is shared and left': () => shared('cj-range', { 'partition.assignment.strategy': 'range' }),
    'a group of the next generation that is shared and left': () => shared('cj-next-shared', { 'group.protocol': 'consumer' }),
    'seeking, pausing, resuming': async () => {
      const topic = 'cj-seek'
      await create(topic)
      await send(topic, numbered(20))
      const { consumer, seen, has } = await join(topic)
      await has(20)
      consumer.seek({ topic, partition: 0, offset: '15' })
      await has(25)
      const again = seen.slice(20).map(({ offset }) => offset)
      const resume = consumer.pause([{ topic }])
      const paused = consumer.paused().map(({ partitions }) => partitions)
      await send(topic, [{ value: 'later' }])
      const whilePaused = seen.length
      resume()
      await has(26)
      await consumer.disconnect()
      return [again, paused, whilePaused, text(seen[25].value)]
    },
    'transactions: committed, aborted, offsets': async () => {
      await create('cj-out')
      const consumer = kafka.consumer({ kafkaJS: { groupId: 'cj-offsets' } })
      await consumer.connect()
      const producer = kafka.producer({ kafkaJS: { transactionalId: 'cj' } })
      await producer.connect()
      for (const outcome of ['commit', 'abort', 'commit']) {
        const transaction = await producer.transaction()
        await transaction.send({ topic: 'cj-out', messages: [{ value: outcome }] })
        const partitions = [{ partition: 0, offset: outcome === 'commit' ? '7' : '9' }]
        await transaction.sendOffsets({ consumer, topics: [{ topic: 'cj-out', partitions }] })
        await transaction[outcome]()
      }
      await producer.disconnect()
      await consumer.disconnect()
      const [offsets] = await administer((admin) => admin.fetchOffsets({ groupId: 'cj-offsets', topics: ['cj-out'] }))
      return [(await read('cj-out', 2)).map(({ value }) => text(value)), offsets.partitions[0].offset]
    },
    'admin: topics, records, offsets, groups': async () => {
      const topic = 'cj-admin'
      await create(topic, 2)
      const messages = numbered(6).map((message, i) => ({ ...message, partition: 0, timestamp: `${1_700_000_000_000 + i}` }))
      await send(topic, messages)
      await read(topic, 6)
      return administer(async (admin) => {
        const [offsets] = await admin.fetchOffsets({ groupId: topic, topics: [topic] })
        const isListed = async () => (await admin.listGroups()).groups.some(({ groupId }) => groupId === topic)
        const listed = await isListed()
        await admin.deleteGroups([topic])
        const left = await isListed()
        const at = await admin.fetchTopicOffsetsByTimestamp(topic, 1_700_000_000_003)
        const [deleted] = await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '4' }] })
        const ends = (await admin.fetchTopicOffsets(topic)).map(({ partition, low, high }) => [partition, low, high])
        const [metadata] = await admin.fetchTopicMetadata({ topics: [topic] })
        await admin.deleteTopics({ topics: [topic] })
        const committed = offsets.partitions.find(({ partition }) => partition === 0).offset
        const byTime = at.map(({ partition, offset }) => [partition, offset]).toSorted()
        // What a controller has accepted the brokers of a cluster show a moment later.
        let topics = await admin.listTopics()
        const late = Date.now() + WITHIN_MS
        while (topics.includes(topic) && Date.now() < late) topics = await admin.listTopics()
        const gone = !topics.includes(topic)
        return [committed, listed, left, byTime, deleted.lowWatermark, ends.toSorted(), metadata.partitions.length, gone]
      })
    },
    errors: async () => {
      const typeOf = (promise) => promise.then(String, ({ type, code }) => type ?? code)
      await create('cj-twice')
      const twice = await create('cj-twice')
      const missing = await typeOf(administer((admin) => admin.deleteTopics({ topics: ['cj-nothing'] })))
      const tooLarge = await typeOf(send('cj-twice', [{ value: 'x'.repeat(2_000_000) }], { compression: 'none' }))
      const noTopic = await typeOf(administer((admin) => admin.fetchTopicMetadata({ topics: ['cj/bad'] })))
      return [twice, missing, tooLarge, noTopic]
    },
  }
}

module.exports = { promiseChecks }
