import { randomBytes } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'
import { join } from 'node:path'
import pg from 'pg'
import { vi } from 'vitest'
import { MillraceError, silentLogger } from '../platform/index.ts'
import type { MetadataStore } from './store/metadata-store.ts'
import { openPostgresStore } from './store/postgres-store.ts'
import { parsePostgresUrl } from './store/postgres-url.ts'
import { openSqliteStore } from './store/sqlite-store.ts'

/** The variable that has the scheduler's suites run on PostgreSQL: `vitest.engines.config.ts` sets it. */
export const testUrlVariable = 'MILLRACE_TEST_METADATA_URL'

/** PostgreSQL answers a few hundred times slower than SQLite in this process. */
export function crashRounds(): number {
  return process.env[testUrlVariable] === undefined ? 60 : 20
}

/** For tests: a metadata store of the kind that is to be judged, empty, and what may befall it. */
export interface TestStore {
  open(): Promise<MetadataStore>
  /** The process dies at its n-th statement from now: nothing reaches the store any more, as after `kill -9`. */
  crashAfter(statements: number): { crashed: () => boolean }
  /** Ends the crash; what had died stays dead. */
  revive(): void
  query(sql: string): Promise<Record<string, unknown>[]>
  remove(): Promise<void>
}

/** Transactions under way: while there are any, something is still to happen. */
let busy = 0

export function storeIsBusy(): boolean {
  return busy > 0
}

export function createTestStore(dir: string): TestStore {
  const url = process.env[testUrlVariable]
  return url === undefined ? sqliteTestStore(join(dir, 'metadata.sqlite')) : postgresTestStore(url)
}

function counted(store: MetadataStore): MetadataStore {
  return {
    ...store,
    transaction: async (action) => {
      busy++
      try {
        return await store.transaction(action)
      } finally {
        busy--
      }
    },
  }
}

function sqliteTestStore(path: string): TestStore {
  return {
    open: async () => counted(await openSqliteStore(path)),
    crashAfter: (statements) => {
      let left = statements
      let dead: DatabaseSync | null = null
      // oxlint-disable-next-line typescript/unbound-method -- called with its object below
      const { prepare, exec } = DatabaseSync.prototype
      const count = (db: DatabaseSync): void => {
        if (dead !== null) {
          if (db === dead) throw new Error('the process is dead')
          return
        }
        if (left-- > 0) return
        dead = db
        db.close()
        throw new Error('the process is dead')
      }
      vi.spyOn(DatabaseSync.prototype, 'exec').mockImplementation(function (this: DatabaseSync, text: string) {
        count(this)
        exec.call(this, text)
      })
      vi.spyOn(DatabaseSync.prototype, 'prepare').mockImplementation(function (this: DatabaseSync, text: string) {
        count(this)
        return prepare.call(this, text)
      })
      return { crashed: () => dead !== null }
    },
    revive: () => void vi.restoreAllMocks(),
    query: async (sql) => {
      const db = new DatabaseSync(path)
      try {
        return db.prepare(sql).all()
      } finally {
        db.close()
      }
    },
    remove: async () => {},
  }
}

function postgresTestStore(url: string): TestStore {
  const schema = `rig_${randomBytes(6).toString('hex')}`
  const target = { ...parsePostgresUrl(url, 'users'), schema }
  let crash: { left: number } | null = null
  const query = async (sql: string): Promise<Record<string, unknown>[]> => {
    const client = new pg.Client({ ...target, password: target.password, ssl: false })
    await client.connect()
    try {
      await client.query(`set search_path to ${schema}`)
      return (await client.query<Record<string, unknown>>(sql)).rows
    } finally {
      await client.end()
    }
  }
  return {
    open: async () => {
      // Each scheduler is a process of its own: it dies with the crash that is set when it does its first statement.
      let mine = crash
      const onStatement = (): void => {
        mine ??= crash
        // No error of the store, which would be waited for: nothing is left that could wait.
        if (mine && mine.left-- <= 0) throw new MillraceError('CLOSED', 'the process is dead')
      }
      return counted(await openPostgresStore({ target, project: 'users', log: silentLogger, onStatement }))
    },
    crashAfter: (statements) => {
      const mine = { left: statements }
      crash = mine
      return { crashed: () => mine.left < 0 }
    },
    revive: () => {
      crash = null
    },
    query,
    remove: async () => void (await query(`drop schema if exists ${schema} cascade`)),
  }
}
