import { expect, test } from 'vitest'
import { postgresError } from './postgres-errors.ts'
import { parsePostgresUrl } from './postgres-url.ts'

const target = parsePostgresUrl('postgres://ann:s3cret@db.example/meta', 'users')

test('a connection that is refused passes by itself', () => {
  const refused = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:5432'), { code: 'ECONNREFUSED' })
  expect(postgresError(refused, target)).toMatchObject({ code: 'METADATA_UNAVAILABLE', retriable: true })
})

test('a mistake of our own is told as one: PostgreSQL is not away', () => {
  const mistake = new RangeError('Invalid time value')
  expect(postgresError(mistake, target)).toMatchObject({ code: 'INTERNAL', retriable: false, message: 'Invalid time value' })
})
