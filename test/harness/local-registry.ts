import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'

/** A registry for npm, of a few packed packages; what else is asked for is at another one. */
export interface LocalRegistry extends AsyncDisposable {
  readonly url: string
}

interface Packed {
  readonly tarball: Buffer
  readonly manifest: { readonly name: string; readonly version: string }
}

/**
 * @param folders each with a `package.json` and the tarball that `npm pack` made of it
 * @param elsewhere the registry of all other packages
 */
export async function startLocalRegistry(folders: readonly string[], elsewhere: string): Promise<LocalRegistry> {
  const packages = new Map(folders.map(readPacked).map((packed) => [packed.manifest.name, packed]))
  const server = createServer((request, response) => {
    const path = request.url ?? '/'
    const [, name = '', isTarball] = /^\/([\w-]+)(\/-\/.*)?$/.exec(path) ?? []
    const packed = packages.get(name)
    if (packed === undefined) response.writeHead(302, { location: new URL(path, elsewhere).href }).end()
    else if (isTarball) response.end(packed.tarball)
    else response.setHeader('content-type', 'application/json').end(packument(packed, `http://${request.headers.host}/${name}/-/it.tgz`))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function readPacked(folder: string): Packed {
  const file = readdirSync(folder).find((name) => name.endsWith('.tgz')) ?? ''
  return { tarball: readFileSync(join(folder, file)), manifest: JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) }
}

/** What npm asks a registry for: the versions of a package, and where each is. */
function packument({ tarball, manifest }: Packed, url: string): string {
  const integrity = `sha512-${createHash('sha512').update(tarball).digest('base64')}`
  const version = { ...manifest, dist: { tarball: url, integrity } }
  return JSON.stringify({
    name: manifest.name,
    'dist-tags': { latest: manifest.version },
    versions: { [manifest.version]: version },
  })
}
