import { crc32, deflateRawSync } from 'node:zlib'

/** A zip archive of these texts: every other file deflated, the rest stored. */
export function zipOf(files: Readonly<Record<string, string>>): Buffer {
  const locals: Buffer[] = []
  const directory: Buffer[] = []
  let at = 0
  Object.entries(files).forEach(([name, text], i) => {
    const content = Buffer.from(text)
    const method = i % 2 === 0 ? 8 : 0
    const packed = method === 8 ? deflateRawSync(content) : content
    const nameBytes = Buffer.from(name)
    // From the version needed to the length of the extra field, the same in both headers (APPNOTE 6.3, §4.3.7 and §4.3.12).
    const facts = Buffer.alloc(26)
    facts.writeUInt16LE(20, 0)
    facts.writeUInt16LE(method, 4)
    facts.writeUInt32LE(crc32(content), 10)
    facts.writeUInt32LE(packed.length, 14)
    facts.writeUInt32LE(content.length, 18)
    facts.writeUInt16LE(nameBytes.length, 22)
    const rest = Buffer.alloc(14)
    rest.writeUInt32LE(at, 10)
    directory.push(Buffer.from([0x50, 0x4b, 1, 2, 20, 0]), facts, rest, nameBytes)
    const local = Buffer.concat([Buffer.from([0x50, 0x4b, 3, 4]), facts, nameBytes, packed])
    locals.push(local)
    at += local.length
  })
  const central = Buffer.concat(directory)
  const count = Object.keys(files).length
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x0605_4b50, 0)
  end.writeUInt16LE(count, 8)
  end.writeUInt16LE(count, 10)
  end.writeUInt32LE(central.length, 12)
  end.writeUInt32LE(at, 16)
  return Buffer.concat([...locals, central, end])
}
