import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { systemClock } from '../../platform/index.ts'
import { AuditLog } from './audit.ts'

test('a log that could not be opened is opened again at the next entry', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-audit-'))
  try {
    const audit = new AuditLog(join(dir, 'logs'), systemClock)
    const entry = { action: 'dag.trigger', target: 'users', outcome: 'done', error: null } as const
    const write = (): Promise<void> => audit.write({ name: 'ann', role: 'operator', via: 'session' }, '127.0.0.1', entry)
    await expect(write()).rejects.toThrow('ENOENT')
    mkdirSync(join(dir, 'logs'))
    await write()
    expect(await audit.newest(10)).toMatchObject([{ who: 'ann', action: 'dag.trigger' }])
    await audit.close()
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
})

test('one that could never be opened is closed all the same', async () => {
  const audit = new AuditLog(join(tmpdir(), 'millrace-no-such-folder'), systemClock)
  const entry = { action: 'stop', target: null, outcome: 'done', error: null } as const
  await expect(audit.write({ name: 'owner', role: 'admin', via: 'socket' }, '', entry)).rejects.toThrow('ENOENT')
  await audit.close()
})
