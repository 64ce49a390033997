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

// Where the records come from, and when: one a second for a minute, each day, and whenever you trigger it.
export const userAutomation = dag('user_automation', { schedule: '@daily', catchup: false })
const streamDataFromApi = userAutomation.task('stream_data_from_api', () =>
  randomUser({ every: '1s', for: '60s' }).map(toUser).to(usersCreated),
)
streamDataFromApi()

// What becomes of them: every record of the topic is a row of the table, until you stop it.
export const loadUsers = stream('load_users')
  .from(usersCreated, { startingOffsets: 'earliest' })
  .to(createdUsers, { autoCreate: true, autoEvolve: 'add-columns' })

function toUser({ login, name, email, registered }: RandomUser) {
  return { id: login.uuid, first_name: name.first, last_name: name.last, email, registered_date: registered.date }
}
