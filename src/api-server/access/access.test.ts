import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../../platform/index.ts'
import { Access } from './access.ts'

const password = 'long enough it is'
let dir: string
let access: Access

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'millrace-access-'))
  access = await Access.open(dir, systemClock)
  await access.addUser('ann', 'viewer', password)
})
afterEach(async () => {
  await access.close()
  rmSync(dir, { recursive: true, force: true })
})

test('a role is not changed with a password that is refused', async () => {
  const { secret } = await access.signIn('ann', password, '127.0.0.1')
  await expect(access.changeUser('ann', { role: 'admin', password: 'short' })).rejects.toMatchObject({ code: 'BAD_REQUEST' })
  expect(access.store.user('ann')?.role).toBe('viewer')
  expect(access.bySession(secret)).not.toBeNull()
  await access.changeUser('ann', { role: 'admin', password: 'another long one' })
  expect(access.store.user('ann')?.role).toBe('admin')
  await expect(access.signIn('ann', password, '127.0.0.1')).rejects.toMatchObject({ code: 'AUTHENTICATION_FAILED' })
})

test('a password for a user who is removed meanwhile is refused', async () => {
  const changing = access.changeUser('ann', { password: 'another long one' })
  access.store.removeUser('ann')
  await expect(changing).rejects.toMatchObject({ code: 'NOT_FOUND' })
})

test('the own password is not changed by who has lost it meanwhile', async () => {
  const changing = access.changePassword('ann', password, 'another long one')
  access.store.removeUser('ann')
  await expect(changing).rejects.toMatchObject({ code: 'AUTHENTICATION_FAILED' })
})

test('one of two users of the same name is added, whoever asks at the same time', async () => {
  const added = await Promise.allSettled([access.addUser('bob', 'viewer', password), access.addUser('bob', 'admin', password)])
  expect(added.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
})
