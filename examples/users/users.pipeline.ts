import { cassandraTable, dag, randomUser, schema, stream, topic, type RandomUser } from 'millrace'
import { z } from 'zod'

export const User = schema('User', {
  id: z.guid(),
  first_name: z.string(),
  last_name: z.string(),
  gender: z.string(),
  address: z.string(),
  post_code: z.string(),
  email: z.email().meta({ pii: true }),
  username: z.string(),
  dob: z.iso.datetime(),
  registered_date: z.iso.datetime(),
  phone: z.string().meta({ pii: true }),
  picture: z.url(),
})

export const usersCreated = topic('users_created', { value: User, key: 'id', partitions: 6 })
export const createdUsers = cassandraTable('spark_streams', 'created_users', { row: User, partitionKey: ['id'] })

export const userAutomation = dag('user_automation', { schedule: '@daily', catchup: false, maxActiveRuns: 1 })
const streamDataFromApi = userAutomation.task(
  'stream_data_from_api',
  () => randomUser({ every: '1s', for: '60s' }).map(toUser).to(usersCreated),
  { retries: 3, executionTimeout: '5m' },
)
streamDataFromApi()

export const loadUsers = stream('load_users')
  .from(usersCreated, { startingOffsets: 'earliest' })
  .to(createdUsers, { autoCreate: true, autoEvolve: 'add-columns' })

function toUser({ login, name, gender, location, email, dob, registered, phone, picture }: RandomUser) {
  const { street, city, state, country, postcode } = location
  return {
    id: login.uuid,
    first_name: name.first,
    last_name: name.last,
    gender,
    address: `${street.number} ${street.name}, ${city}, ${state}, ${country}`,
    post_code: String(postcode),
    email,
    username: login.username,
    dob: dob.date,
    registered_date: registered.date,
    phone,
    picture: picture.medium,
  }
}
