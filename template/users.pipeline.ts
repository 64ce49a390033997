import { cassandraTable, dag, randomUser, schema, stream, topic, type RandomUser } from 'millrace'
import { z } from 'zod'

// What a record holds: checked where it comes in and where it is read. Add an optional field, save, and see what `npm run dev` says.
export const User = schema('User', {
  id: z.guid(),
  first_name: z.string(),
  last_name: z.string(),
  email: z.email().meta({ pii: true }),
  registered_date: z.iso.datetime(),
})

export const usersCreated = topic('users_created', { value: User, key: 'id' })
export const createdUsers = cassandraTable('spark_streams', 'created_users', { row: User, partitionKey: ['id'] })

// Where the records come from, and when: twenty users, two a second, each day and whenever you trigger it; one run after the other.
export const userAutomation = dag('user_automation', { schedule: '@daily', catchup: false, maxActiveRuns: 1 })
const streamDataFromApi = userAutomation.task('stream_data_from_api', () =>
  randomUser({ every: '500ms', pages: 20 }).map(toUser).to(usersCreated),
)
streamDataFromApi()

// What becomes of them: every record of the topic is a row of the table, until you stop it.
export const loadUsers = stream('load_users')
  .from(usersCreated, { startingOffsets: 'earliest' })
  .to(createdUsers, { autoCreate: true, autoEvolve: 'add-columns' })

function toUser(user: RandomUser) {
  return {
    id: user.login.uuid,
    first_name: user.name.first,
    last_name: user.name.last,
    email: user.email,
    registered_date: user.registered.date,
  }
}
