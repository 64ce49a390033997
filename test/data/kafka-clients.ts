/**
 * What clients that others wrote see, on Kafka 4 and on the embedded broker alike, by the names of their checks. `docs/kafka.md` is made of
 * this list, and `test/engines/kafka-clients.test.ts` runs every check of it, and none that it does not name.
 * Each check's program lies in `test/engines/kafka-clients` or `test/engines/data`.
 */
interface KafkaClientChecks {
  readonly name: string
  readonly checks: Readonly<Record<string, unknown>>
}

export const kafkaClients = [
  {
    name: 'kcat',
    checks: {
      'records of every codec, keys, headers, null values, idempotent': [
        '0 0 k 4 codec=none',
        '0 1 empty -1 codec=none',
        '0 2 k 4 codec=gzip',
        '0 3 empty -1 codec=gzip',
        '0 4 k 6 codec=snappy',
        '0 5 empty -1 codec=snappy',
        '0 6 k 3 codec=lz4',
        '0 7 empty -1 codec=lz4',
        '0 8 k 4 codec=zstd',
        '0 9 empty -1 codec=zstd',
      ],
      'reading from an offset, and the last ones': [2, 3],
      'a large record': true,
      'a group that goes on where it stopped': [['a', 'b', 'c'], ['d']],
      'offsets by time': true,
      metadata: true,
    },
  },
  {
    name: 'confluent-kafka',
    checks: {
      'records of every codec, headers, timestamps, idempotent': { none: 4950, gzip: 4950, snappy: 4950, lz4: 4950, zstd: 4950 },
      'a cooperative group that is shared and left': [80, [20, 20, 20, 20]],
      'a group of the next generation (KIP-848)': [80, [20, 20, 20, 20]],
      'a copy by transactions, each aborted once': [90, true],
      'admin: topics, configs, records, offsets, groups': ['1000', 4, [4, 6], [5], 'EMPTY', ['ck-admin'], 3, 1],
      errors: [['MSG_SIZE_TOO_LARGE'], 'TOPIC_ALREADY_EXISTS', 'INVALID_CONFIG', 'UNKNOWN_TOPIC_OR_PART'],
    },
  },
  {
    name: 'kafka-python',
    checks: {
      'idempotent producing': [true, true, 1],
      'a group that is shared and left': [80, [20, 20, 20, 20]],
      'a cooperative group that is shared and left': [80, [20, 20, 20, 20]],
      'a static member that comes back': [['more'], ['one']],
      'offsets by time, seeking': [
        [[0, 1700000000000], [8, 1700000008000], null],
        [15, 16, 17, 18, 19],
        [0, 20],
      ],
      'admin: topics, partitions, configs, records, offsets, groups': [
        ['1000', '2000'],
        4,
        [4, 6],
        [5, 'why'],
        'Empty',
        ['kp-admin'],
        false,
        3,
        1,
      ],
      errors: ['MessageSizeTooLargeError', 'TopicAlreadyExistsError', 'InvalidConfigurationError', 'UnknownTopicOrPartitionError'],
    },
  },
  {
    name: 'kafkajs',
    checks: {
      'records plain and by gzip, headers, nulls, timestamps, idempotent': [
        { offset: '0', key: 'k', value: 'v', timestamp: '1700000000123', headers: { a: 'b' } },
        { offset: '1', key: null, value: null, timestamp: '1700000000124', headers: {} },
        { offset: '2', key: 'k', value: 'v', timestamp: '1700000000123', headers: { a: 'b' } },
        { offset: '3', key: null, value: null, timestamp: '1700000000124', headers: {} },
      ],
      'seeking in a group': ['15', '16', '17', '18', '19'],
      'transactions: committed, aborted, offsets': [['commit', 'commit'], '7'],
      'admin: topics, partitions, configs, groups, offsets, deletions': [
        true,
        [
          ['max.message.bytes', '2000', true],
          ['retention.ms', '604800000', false],
        ],
        'Empty',
        true,
        1,
        4,
        'MESSAGE_TOO_LARGE',
        'UNKNOWN_TOPIC_OR_PARTITION',
      ],
    },
  },
  {
    name: 'kafka-ts',
    checks: {
      'a classic group that goes on where it stopped; headers and timestamps': [60, 30, 'v7', { n: '7' }, '1700000000007'],
      'a group of the next generation (KIP-848)': [60, 30, 'v7', { n: '7' }, '1700000000007'],
      'a static member': [60, 30, 'v7', { n: '7' }, '1700000000007'],
      'null keys and values': [null, null, '0'],
    },
  },
  {
    name: '@platformatic/kafka',
    checks: {
      'records of every codec, headers and timestamps, idempotent': [100, 'k7', [['n', '7']], '1700000000007'],
      'a group that goes on where it stopped': ['19', '20', 'none 29'],
      'a group of the next generation (KIP-848)': 30,
      'admin: topics, configs, offsets, groups, log dirs': [2, '1000', true, ['1'], true, false],
    },
  },
  {
    name: "Kafka's own tools",
    checks: {
      'kafka-topics: create, alter, describe, list, delete': [['Created topic java-topic.'], true, 3, true, false],
      'kafka-configs: change and describe, of a topic': [
        ['cleanup.policy=compact,delete', 'retention.ms=1000'],
        ['cleanup.policy=compact,delete'],
        true,
      ],
      'kafka-console-producer and -consumer: keys, headers, codecs, nulls': [
        'Partition:0 Offset:0 h:none k1 none 1',
        'Partition:0 Offset:1 h:x k2 <null>',
        'Partition:0 Offset:2 h:gzip k1 gzip 1',
        'Partition:0 Offset:3 h:x k2 <null>',
        'Partition:0 Offset:4 h:snappy k1 snappy 1',
        'Partition:0 Offset:5 h:x k2 <null>',
        'Partition:0 Offset:6 h:lz4 k1 lz4 1',
        'Partition:0 Offset:7 h:x k2 <null>',
        'Partition:0 Offset:8 h:zstd k1 zstd 1',
        'Partition:0 Offset:9 h:x k2 <null>',
      ],
      'kafka-producer-perf-test and kafka-consumer-perf-test': ['20000', '20000', true],
      'kafka-verifiable-producer and -consumer': [500, 0, 500, true],
      'kafka-consumer-groups: list, describe, reset, delete': [
        true,
        'java-group java-group 0 1 4 3 - - -',
        ['Empty'],
        ["Deletion of requested consumer groups ('java-group') was successful."],
        false,
      ],
      'kafka-get-offsets, kafka-delete-records, kafka-log-dirs': [true, ['java-deleted:0:3'], ['java-deleted:0:4'], true],
      'kafka-transactions: list, describe, producers': ['CompleteCommit', true, 2],
      'kafka-leader-election, kafka-cluster, kafka-broker-api-versions': [
        ['Valid replica already elected for partitions java-leader-0'],
        true,
        true,
      ],
      'TransactionalMessageCopier and read_committed': [[300, 0], true],
    },
  },
  {
    name: 'franz-go',
    checks: {
      'a cooperative group that is shared and left': [['consumer', 'cooperative-sticky', 2], 300],
      'a copy by transactions': [500, true, 500, 0],
      'a group of the next generation (KIP-848)': [['uniform', true, 2], 300],
      'a static member that comes back': ['Stable', 1, 'one', null, 'Empty', 0],
      'a topic made again under its name': [0, ['v9']],
      'deleted records and log dirs': [4, null, 'OFFSET_OUT_OF_RANGE', 4, true, 'ELECTION_NOT_NEEDED'],
      errors: [
        'UNKNOWN_TOPIC_OR_PARTITION',
        'INVALID_TOPIC_EXCEPTION',
        'INVALID_REPLICATION_FACTOR',
        'INVALID_PARTITIONS',
        'INVALID_CONFIG',
        'OFFSET_OUT_OF_RANGE',
        'INVALID_TIMESTAMP',
      ],
      'groups, offsets and lag': [16, 3, 'why', ['lagging1', 'nobody0'], 1, false, null, 'GROUP_ID_NOT_FOUND', false],
      'headers, nulls and timestamps': [
        [
          0,
          true,
          '',
          true,
          0,
          1700000000123,
          [
            ['twice', false, 1],
            ['twice', true, 0],
            ['', false, 0],
          ],
        ],
        [1, false, '', false, 0, 1700000000124, []],
        [2, false, 'ключ', false, 2, 1699996400123, []],
      ],
      'large records': [[null, 'MESSAGE_TOO_LARGE', null, 'MESSAGE_TOO_LARGE'], { large: 2900000, small: 900000 }],
      'offsets by time, seeking': [
        [5, true, null],
        [10, true, null],
        [10, true, null],
        [0, true, null],
        [10, true, null],
        [9, true, null],
        7,
        2,
      ],
      'producers and transactions described': [
        [[2, 0]],
        ['Ongoing', 'Ongoing', 60000, '[{open [0]}]'],
        [0, 3],
        'CompleteAbort',
        true,
        ['v5'],
      ],
      'records of every codec': { gzip: 4950, lz4: 4950, none: 4950, snappy: 4950, zstd: 4950 },
      'topics, partitions and configs': [
        [2, 1, true, true],
        'TOPIC_ALREADY_EXISTS',
        ['3600000', 'DYNAMIC_TOPIC_CONFIG'],
        [null, ['60000', 'DYNAMIC_TOPIC_CONFIG'], ['delete,compact', 'DYNAMIC_TOPIC_CONFIG']],
        ['604800000', 'DEFAULT_CONFIG'],
        'INVALID_CONFIG',
        null,
        'INVALID_PARTITIONS',
        [5, 2, 'UNKNOWN_TOPIC_OR_PARTITION', true, true],
        1,
        true,
        true,
        true,
        null,
        'UNKNOWN_TOPIC_OR_PARTITION',
      ],
    },
  },
] as const satisfies readonly KafkaClientChecks[]

export type KafkaClientName = (typeof kafkaClients)[number]['name']
