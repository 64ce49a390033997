import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe } from 'vitest'
import { judgeCqlClient } from '../../test/harness/cql-client-suite.ts'
import { startCqlStore } from '../cql-store/index.ts'

describe('cql-client on the embedded store', () =>
  judgeCqlClient(async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'millrace-cql-client-'))
    const store = await startCqlStore({ dataDir, host: '127.0.0.1', port: 0 })
    return {
      address: store.address,
      [Symbol.asyncDispose]: async () => {
        await store.close()
        rmSync(dataDir, { recursive: true, force: true })
      },
    }
  }))
