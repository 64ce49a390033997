import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeBatch, Writer } from '../../kafka-wire/index.ts'
import { createLogger, MillraceError } from '../../platform/index.ts'
import { ScramCredentials } from '../security/scram-credentials.ts'
import { FailingDisk } from '../testing/failing-disk.ts'
import { Catalogue } from '../topics/catalogue.ts'
import { MemoryDisk } from '../testing/memory-disk.ts'
import { testBatch } from '../testing/open-test-log.ts'
import { adoptKafkaFolder } from './adopt-kafka.ts'

const id = '00112233-4455-6677-8899-aabbccddeeff'
const topicId = Buffer.from(id.replaceAll('-', ''), 'hex')
const metadataLog = '/kafka/__cluster_metadata-0/00000000000000000000.log'

/** A record of KRaft: frame version, its number, its version 0, its fields, no tags. */
function kraft(kind: number, fields: (writer: Writer) => void): Uint8Array {
  const writer = new Writer()
  for (const varint of [1, kind, 0]) writer.unsignedVarint(varint)
  fields(writer)
  writer.unsignedVarint(0)
  return writer.whole()
}

const topic = kraft(2, (writer) => (writer.string('users', true), writer.uuid(id)))
const partition = (number: number): Uint8Array => kraft(3, (writer) => (writer.int32(number), writer.uuid(id)))
const config = (name: string, value: string): Uint8Array =>
  kraft(4, (writer) => (writer.int8(2), writer.string('users', true), writer.string(name, true), writer.string(value, true)))

function folder(values: readonly Uint8Array[]): MemoryDisk {
  const disk = new MemoryDisk()
  const records = values.map((value) => ({ key: null, value, timestampMs: 0 }))
  disk.replaceFile('/kafka/meta.properties', 'version=1\nnode.id=1\ncluster.id=of-kafka\n')
  disk.replaceFile('/kafka/.kafka_cleanshutdown', '{}')
  disk.replaceFile(metadataLog, encodeBatch({ records, compression: 'none' }))
  for (const number of [0, 1]) {
    disk.replaceFile(`/kafka/users-${number}/partition.metadata`, `version: 0\ntopic_id: ${topicId.toString('base64url')}`)
    disk.replaceFile(`/kafka/users-${number}/00000000000000000000.log`, testBatch(3))
    disk.replaceFile(`/kafka/users-${number}/leader-epoch-checkpoint`, '0\n1\n4 0\n')
  }
  return disk
}

const sound = [topic, partition(0), partition(1), config('retention.ms', '-1'), config('no.such.config', '1')]

function adopt(disk: MemoryDisk, lines: string[] = []): Catalogue {
  adoptKafkaFolder(
    disk,
    '/kafka',
    createLogger((line) => lines.push(line)),
  )
  return new Catalogue(disk, '/kafka', null)
}

describe('a data folder of Kafka', () => {
  it('becomes ours with its cluster, topics, ids and configs, above all epochs; what means nothing here is told', () => {
    const lines: string[] = []
    const disk = folder([...sound, kraft(15, (writer) => (writer.int32(1), writer.int64(0n), writer.int64(7000n)))])
    const catalogue = adopt(disk, lines)
    expect([catalogue.clusterId, catalogue.leaderEpoch, catalogue.nextProducerId()]).toEqual(['of-kafka', 5, 7000])
    expect(catalogue.topics).toEqual([{ name: 'users', id, partitions: 2, configs: { 'retention.ms': '-1' } }])
    expect(lines.join('')).toContain('no.such.config')
    // Once: the second start finds its own.
    expect(adopt(disk).leaderEpoch).toBe(6)
  })

  it('leaves out what a transaction of the controller did not end (KIP-868), and what was deleted', () => {
    const begin = kraft(23, (writer) => writer.unsignedVarint(0))
    const held = [begin, config('retention.ms', '5'), kraft(25, (writer) => writer.unsignedVarint(0)), config('retention.bytes', '9')]
    expect(adopt(folder([...sound, ...held])).topics[0]?.configs).toEqual({ 'retention.ms': '-1', 'retention.bytes': '9' })
    expect(adopt(folder([...sound, kraft(9, (writer) => writer.uuid(id))])).topics).toEqual([])
  })

  it('is refused when partitions are missing', () => {
    expect(() => adopt(folder([...sound, partition(2)]))).toThrow(/holds 2 of the 3 partitions of users/)
  })

  it('is read or refused, whatever lies in its metadata', () => {
    const bytes = Buffer.from(folder(sound).readFile(metadataLog))
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(255), fc.boolean(), fc.uint8Array({ maxLength: 40 }), (at, byte, replaced, value) => {
        const disk = folder(replaced ? [...sound, value] : sound)
        if (!replaced) disk.replaceFile(metadataLog, bytes.with(at, byte))
        try {
          adopt(disk)
        } catch (error) {
          expect(error).toBeInstanceOf(MillraceError)
        }
      }),
      { numRuns: 300 },
    )
  })
})

const unfinished = '/kafka/users-0'

/** Stopped while it compacted one partition and deleted another, with a SCRAM user. */
function withBegun(): MemoryDisk {
  const scram = kraft(11, (writer) => {
    writer.string('ada', true)
    writer.int8(1)
    for (const length of [8, 32, 32]) writer.bytes(Buffer.alloc(length, 'x'), true)
    writer.int32(4096)
  })
  const disk = folder([...sound, scram])
  const later = testBatch(3)
  Buffer.from(later.buffer, later.byteOffset).writeBigInt64BE(3n, 0)
  disk.replaceFile(`${unfinished}/00000000000000000003.log`, later)
  disk.replaceFile(`${unfinished}/00000000000000000003.index`, '')
  disk.replaceFile(`${unfinished}/00000000000000000000.index.swap`, '')
  disk.replaceFile(`${unfinished}/00000000000000000000.log.swap`, Buffer.concat([testBatch(3), later]))
  for (const name of ['00000000000000000006.log.cleaned', '00000000000000000006.log.swap', '00000000000000000000.log.deleted'])
    disk.replaceFile(`${unfinished}/${name}`, 'x')
  disk.replaceFile('/kafka/gone-0.00112233445566778899aabbccddeeff-delete/00000000000000000000.log', testBatch(3))
  return disk
}

function expectAdopted(disk: MemoryDisk): void {
  const { topics, leaderEpoch } = new Catalogue(disk, '/kafka', null)
  expect(topics).toEqual([{ name: 'users', id, partitions: 2, configs: { 'retention.ms': '-1' } }])
  expect(leaderEpoch).toBeGreaterThan(4)
  expect(disk.list(unfinished)).toEqual([
    '00000000000000000000.index',
    '00000000000000000000.log',
    'leader-epoch-checkpoint',
    'partition.metadata',
  ])
  expect(disk.readFile(`${unfinished}/00000000000000000000.log`).length).toBe(2 * testBatch(3).length)
  expect(disk.list('/kafka').filter((name) => name.startsWith('gone-') || name.startsWith('.kafka'))).toEqual([])
  expect(new ScramCredentials(disk, '/kafka').users).toEqual(['ada'])
}

describe('what Kafka had begun', () => {
  it('is finished: a compacted segment that was ready replaces those it was made of, the rest goes', () => {
    const disk = withBegun()
    adopt(disk)
    expectAdopted(disk)
  })

  it('is finished by the next start when kill -9 ended the first after any of its steps, and the one after it too', () => {
    const silent = createLogger(() => {})
    /** Whether it was over before the disk took no more changes. */
    const adoptUntil = (disk: MemoryDisk, changes: number): boolean => {
      const failing = new FailingDisk(disk, changes)
      try {
        adoptKafkaFolder(failing, '/kafka', silent)
      } catch (error) {
        expect(error).toMatchObject({ message: 'killed' })
      }
      return !failing.isDead
    }
    let isOver = false
    for (let step = 0; !isOver; step++) {
      for (let stepOfNext = 0; stepOfNext < 6; stepOfNext++) {
        const disk = withBegun()
        isOver = adoptUntil(disk, step)
        adoptUntil(disk, stepOfNext)
        adopt(disk)
        expectAdopted(disk)
      }
      expect(step).toBeLessThan(40)
    }
  })
})
