import fc from 'fast-check'
import { expect, test } from 'vitest'
import { zipOf } from '../../test/harness/zip.ts'
import { readZip } from './zip.ts'

const name = fc.stringMatching(/^[a-z][a-z./]{0,12}$/)

test('what was packed is read back, whatever it is', () => {
  fc.assert(
    fc.property(fc.dictionary(name, fc.string({ maxLength: 2000 }), { maxKeys: 6, noNullPrototype: true }), (files) => {
      const read = readZip(zipOf(files), Object.keys(files))
      expect(read.ok && Object.fromEntries([...read.value].map(([path, bytes]) => [path, bytes.toString('utf8')]))).toEqual(
        Object.fromEntries(Object.entries(files).map(([path, text]) => [path, Buffer.from(text).toString('utf8')])),
      )
    }),
  )
})

test('only the files that were asked for are unpacked', () => {
  const read = readZip(zipOf({ a: 'x', b: 'y' }), ['b', 'c'])
  expect(read.ok && [...read.value.keys()]).toEqual(['b'])
})

test('bytes that are no archive, or a damaged one, give a reason and never throw', () => {
  const archive = zipOf({ 'config.json': '{"host":"localhost"}'.repeat(40), 'ca.crt': 'certificate' })
  const wanted = ['config.json', 'ca.crt']
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
      const read = readZip(Buffer.from(bytes), wanted)
      expect(read.ok ? read.value.size : read.error).toBeDefined()
    }),
    { numRuns: 500 },
  )
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(archive.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 }),
      fc.nat(archive.length),
      (edits, cut) => {
        const damaged = Buffer.from(archive)
        for (const [at, byte] of edits) damaged[at] = byte
        for (const bytes of [damaged, damaged.subarray(0, cut), damaged.subarray(cut)]) {
          const read = readZip(bytes, wanted)
          // What is read nonetheless is what was packed: its checksum says so.
          for (const [path, content] of read.ok ? read.value : [])
            expect(content.toString()).toMatch(path === 'ca.crt' ? /^certificate$/ : /^({"host":"localhost"})+$/)
        }
      },
    ),
    { numRuns: 1000 },
  )
})

test('a file that would unpack to more than it says is refused', () => {
  const archive = zipOf({ 'config.json': 'x'.repeat(100_000) })
  const at = archive.indexOf(Buffer.from([0x50, 0x4b, 1, 2]))
  archive.writeUInt32LE(10, at + 24)
  expect(readZip(archive, ['config.json'])).toMatchObject({ ok: false, error: expect.stringContaining('config.json is damaged') })
  archive.writeUInt32LE(0x7fff_ffff, at + 24)
  expect(readZip(archive, ['config.json'])).toMatchObject({ ok: false, error: 'config.json claims 2147483647 bytes' })
})
