import { createServer } from 'node:http'
import { seededRandom } from '../harness/seeded-random.ts'

/** A version of a user. `poison`: the stream refuses it, so that it becomes a dead letter. */
export interface UserVersion {
  readonly id: string
  readonly version: number
  readonly name: string
  readonly email: string
  readonly about: string
  readonly poison: boolean
}

const UPDATED = 0.2
const ABOUT = 'Likes long walks, short queues and tables that are not empty. '.repeat(4)

/** `count` versions of users in the order the API has them; a fifth are later versions of users that came before, `poisonCount` of all are refused. */
export function generateUsers(seed: number, count: number, poisonCount: number): UserVersion[] {
  const random = seededRandom(seed)
  const below = (limit: number): number => Math.floor(random() * limit)
  const poisoned = new Set<number>()
  while (poisoned.size < Math.min(poisonCount, count)) poisoned.add(below(count))
  const versions: number[] = []
  return Array.from({ length: count }, (_, at) => {
    const user = versions.length > 0 && random() < UPDATED ? below(versions.length) : versions.length
    const version = (versions[user] ?? 0) + 1
    versions[user] = version
    return {
      id: `00000000-0000-4000-8000-${String(user).padStart(12, '0')}`,
      version,
      name: `User ${user}, version ${version}`,
      email: `user${user}@example.org`,
      about: `${at}: ${ABOUT}`,
      poison: poisoned.has(at),
    }
  })
}

export interface UsersApi extends AsyncDisposable {
  readonly port: number
  /** The highest page that was asked for: all before it are acknowledged in the topic (P4). */
  readonly pageAsked: number
}

/** `GET /users?page=1&size=500` on 127.0.0.1. */
export async function startUsersApi(users: readonly UserVersion[]): Promise<UsersApi> {
  let pageAsked = 0
  const server = createServer((request, response) => {
    const { searchParams } = new URL(request.url ?? '/', 'http://localhost')
    const [page, size] = [Number(searchParams.get('page')), Number(searchParams.get('size'))]
    pageAsked = Math.max(pageAsked, page)
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ users: users.slice((page - 1) * size, page * size) }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    get pageAsked() {
      return pageAsked
    },
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
