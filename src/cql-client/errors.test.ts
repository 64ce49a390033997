import { expect, test } from 'vitest'
import { errors } from '../cql-wire/index.ts'
import { serverError } from './errors.ts'

test.each([
  ['MODIFY', '<table shop.users> or any of its parents', 'GRANT MODIFY ON TABLE "shop"."users" TO "loader"'],
  ['CREATE', '<keyspace shop> or any of its parents', 'GRANT CREATE ON KEYSPACE "shop" TO "loader"'],
  ['CREATE', '<all keyspaces> or any of its parents', 'GRANT CREATE ON ALL KEYSPACES TO "loader"'],
  ['SELECT', '<all tables in shop> or any of its parents', 'GRANT SELECT ON ALL TABLES IN KEYSPACE "shop" TO "loader"'],
  ['ALTER', '<table Shop.order> or any of its parents', 'GRANT ALTER ON TABLE "Shop"."order" TO "loader"'],
])('a right that is missing is told with the GRANT to run (%s on %s)', (permission, resource, grant) => {
  const error = serverError({ code: errors.UNAUTHORIZED, message: `User loader has no ${permission} permission on ${resource}` })
  expect(error).toMatchObject({ code: 'AUTHENTICATION_FAILED', retriable: false, details: { role: 'loader', permission, grant } })
  expect(error.message).toContain(`Have an administrator run: ${grant};`)
})

test('a refusal in other words is told as it came', () => {
  const error = serverError({ code: errors.UNAUTHORIZED, message: 'You have not logged in' })
  expect(error).toMatchObject({ code: 'AUTHENTICATION_FAILED', message: 'UNAUTHORIZED: You have not logged in' })
})

test.each([
  'UNAVAILABLE',
  'WRITE_TIMEOUT',
  'WRITE_FAILURE',
  'OVERLOADED',
  'IS_BOOTSTRAPPING',
  'CDC_WRITE_FAILURE',
  'SERVER_ERROR',
] as const)('%s may get well by itself (P6)', (name) => {
  expect(serverError({ code: errors[name], message: '' })).toMatchObject({ code: 'CQL_RETRIABLE', retriable: true })
})
