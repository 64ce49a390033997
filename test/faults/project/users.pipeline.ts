import { cassandraTable, dag, httpPoll, schema, stream, topic } from 'millrace'
import { z } from 'zod'

/** `version` counts the versions of one id from 1. */
const User = schema('User', {
  id: z.guid(),
  version: z.int(),
  name: z.string(),
  email: z.email(),
  about: z.string(),
  poison: z.boolean(),
})

type User = { id: string; version: number; name: string; email: string; about: string; poison: boolean }

export const users = topic('users', { value: User, key: 'id', partitions: 6 })
export const userTable = cassandraTable('faults', 'users', { row: User, partitionKey: ['id'] })

export const load = dag('load', { schedule: '@daily', catchup: false, startDate: '2999-01-01T00:00:00Z' })
const fetchUsers = load.task(
  'fetch_users',
  () =>
    httpPoll<User>({
      name: 'users_api',
      url: 'http://127.0.0.1:1/users',
      every: '100ms',
      records: 'users',
      pagination: { is: 'page', size: { param: 'size', value: 500 } },
      timeout: '5s',
      retries: 100,
      backoff: '200ms',
      maxBackoff: '2s',
    }).to(users),
  { retries: 20, retryDelay: '1s', executionTimeout: '30m' },
)
fetchUsers()

export const loadUsers = stream('load_users')
  .from(users, { startingOffsets: 'earliest' })
  .each(
    ({ poison, id, version }) => {
      if (poison) throw new Error(`version ${version} of ${id} is poison`)
    },
    { name: 'refuse-poison' },
  )
  .to(userTable, { autoCreate: true })
