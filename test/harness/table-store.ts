import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startCqlStoreThread } from '../../src/cql-store/index.ts'

/** An empty table store on a thread of its own; its folder goes with it. */
export async function startTableStore(): Promise<{ address: string } & AsyncDisposable> {
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-table-store-'))
  const store = await startCqlStoreThread({ dataDir, host: '127.0.0.1', port: 0 })
  return {
    address: store.address,
    [Symbol.asyncDispose]: async () => {
      await store.close()
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}
