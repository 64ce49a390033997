import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe } from 'vitest'
import { startCqlStoreThread } from '../../src/cql-store/index.ts'
import { judgeTableFiles } from '../harness/table-files.ts'

describe('millrace tables export and import on the table store', () =>
  judgeTableFiles(async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'millrace-files-store-'))
    const store = await startCqlStoreThread({ dataDir, host: '127.0.0.1', port: 0 })
    return {
      address: store.address,
      [Symbol.asyncDispose]: async () => {
        await store.close()
        rmSync(dataDir, { recursive: true, force: true })
      },
    }
  }))
