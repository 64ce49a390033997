import { expect, it } from 'vitest'
import { MemoryDisk } from '../testing/memory-disk.ts'
import { Catalogue } from './catalogue.ts'

const topic = { name: 'users', id: 'AAAA', partitions: 3, configs: { 'retention.ms': '1000' } }

it('knows after a restart what it was told before', () => {
  const disk = new MemoryDisk()
  new Catalogue(disk, '/data', null).add([topic])
  const again = new Catalogue(disk, '/data', null)
  expect([again.topics, again.leaderEpoch]).toEqual([[topic], 1])
})

it('keeps the folders of a topic that was made again while the deletion of the first was not over', () => {
  const disk = new MemoryDisk()
  const catalogue = new Catalogue(disk, '/data', null)
  for (const id of ['AAAA', 'BBBB']) catalogue.add([{ ...topic, id, name: id }])
  for (const id of ['AAAA', 'BBBB']) catalogue.startDeleting({ ...topic, id, name: id })
  catalogue.add([{ ...topic, id: 'CCCC', name: 'AAAA' }])
  expect(new Catalogue(disk, '/data', null).deleting.map(({ id }) => id)).toEqual(['BBBB'])
})

it.each([
  ['no JSON', '{'],
  ['a list', '[]'],
  ['no topics', JSON.stringify({ leaderEpoch: 0, nextProducerId: 0, deleting: [] })],
  ['a negative epoch', JSON.stringify({ leaderEpoch: -1, nextProducerId: 0, topics: [], deleting: [] })],
  ['a topic without partitions', catalogueOf({ ...topic, partitions: 0 })],
  ['half a partition', catalogueOf({ ...topic, partitions: 1.5 })],
  ['a setting that is no text', catalogueOf({ ...topic, configs: { 'retention.ms': 1000 } })],
  ['no settings', catalogueOf({ ...topic, configs: null })],
  ['a topic that is no object', catalogueOf('users')],
])('refuses a catalogue with %s', (_what, text) => {
  const disk = new MemoryDisk()
  new Catalogue(disk, '/data', null).add([topic])
  disk.replaceFile('/data/topics.json', text)
  expect(() => new Catalogue(disk, '/data', null)).toThrow(/topics\.json is not a sound topic catalogue/)
})

function catalogueOf(entry: unknown): string {
  return JSON.stringify({ leaderEpoch: 0, nextProducerId: 0, topics: [entry], deleting: [] })
}
