import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'

/** In order of their names; a name once released never changes. Plain column types that SQLite and PostgreSQL share. */
export const migrations: Record<string, Migration> = {
  '0001_runs': { up: createRunTables },
  '0002_schedulers': { up: createSchedulerTable },
}

async function createRunTables(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('owner')
    .addColumn('id', 'integer', (column) => column.primaryKey())
    .addColumn('epoch', 'integer', (column) => column.notNull())
    .execute()
  await db.schema
    .createTable('setting')
    .addColumn('key', 'text', (column) => column.primaryKey())
    .addColumn('value', 'text', (column) => column.notNull())
    .execute()
  await createDagTables(db)
  await createTaskTables(db)
}

async function createDagTables(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('dag')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('project', 'text', (column) => column.notNull())
    .addColumn('version', 'integer', (column) => column.notNull())
    .addColumn('present', 'integer', (column) => column.notNull())
    .addColumn('paused', 'integer', (column) => column.notNull())
    .addColumn('schedule_start', 'bigint')
    .addColumn('schedule_cursor', 'bigint')
    .execute()
  await db.schema
    .createTable('dag_version')
    .addColumn('dag_id', 'text', (column) => column.notNull())
    .addColumn('version', 'integer', (column) => column.notNull())
    .addColumn('shape', 'text', (column) => column.notNull())
    .addColumn('definition', 'text', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('dag_version_key', ['dag_id', 'version'])
    .execute()
  await db.schema
    .createTable('dag_run')
    .addColumn('dag_id', 'text', (column) => column.notNull())
    .addColumn('run_id', 'text', (column) => column.notNull())
    .addColumn('version', 'integer', (column) => column.notNull())
    .addColumn('state', 'text', (column) => column.notNull())
    .addColumn('reason', 'text')
    .addColumn('trigger', 'text', (column) => column.notNull())
    .addColumn('logical_date', 'bigint', (column) => column.notNull())
    .addColumn('interval_start', 'bigint', (column) => column.notNull())
    .addColumn('interval_end', 'bigint', (column) => column.notNull())
    .addColumn('queued_at', 'bigint', (column) => column.notNull())
    .addColumn('started_at', 'bigint')
    .addColumn('ended_at', 'bigint')
    .addColumn('params', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('dag_run_key', ['dag_id', 'run_id'])
    .execute()
  // An interval is run once, whatever the clock does.
  await db.schema.createIndex('dag_run_interval').unique().on('dag_run').columns(['dag_id', 'logical_date', 'trigger']).execute()
  await db.schema.createIndex('dag_run_state').on('dag_run').columns(['state', 'dag_id']).execute()
}

async function createTaskTables(db: Kysely<unknown>): Promise<void> {
  const instance = ['dag_id', 'run_id', 'task_id'] as const
  await db.schema
    .createTable('task_instance')
    .addColumn('dag_id', 'text', (column) => column.notNull())
    .addColumn('run_id', 'text', (column) => column.notNull())
    .addColumn('task_id', 'text', (column) => column.notNull())
    .addColumn('position', 'integer', (column) => column.notNull())
    .addColumn('state', 'text', (column) => column.notNull())
    .addColumn('attempt', 'integer', (column) => column.notNull())
    .addColumn('failures', 'integer', (column) => column.notNull())
    .addColumn('lost_in_row', 'integer', (column) => column.notNull())
    .addColumn('wake_at', 'bigint')
    .addColumn('started_at', 'bigint')
    .addColumn('ended_at', 'bigint')
    .addColumn('error', 'text')
    .addColumn('progress_done', 'double precision')
    .addColumn('progress_total', 'double precision')
    .addPrimaryKeyConstraint('task_instance_key', [...instance])
    .execute()
  await db.schema.createIndex('task_instance_state').on('task_instance').columns(['state', 'wake_at']).execute()
  await db.schema
    .createTable('task_attempt')
    .addColumn('dag_id', 'text', (column) => column.notNull())
    .addColumn('run_id', 'text', (column) => column.notNull())
    .addColumn('task_id', 'text', (column) => column.notNull())
    .addColumn('attempt', 'integer', (column) => column.notNull())
    .addColumn('epoch', 'integer', (column) => column.notNull())
    .addColumn('state', 'text', (column) => column.notNull())
    .addColumn('reason', 'text')
    .addColumn('started_at', 'bigint', (column) => column.notNull())
    .addColumn('ended_at', 'bigint')
    .addColumn('lease_until', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('task_attempt_key', [...instance, 'attempt'])
    .execute()
  await db.schema.createIndex('task_attempt_state').on('task_attempt').columns(['state', 'epoch']).execute()
  await db.schema
    .createTable('xcom')
    .addColumn('dag_id', 'text', (column) => column.notNull())
    .addColumn('run_id', 'text', (column) => column.notNull())
    .addColumn('task_id', 'text', (column) => column.notNull())
    .addColumn('key', 'text', (column) => column.notNull())
    .addColumn('value', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('xcom_key', [...instance, 'key'])
    .execute()
}

async function createSchedulerTable(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('scheduler')
    .addColumn('epoch', 'integer', (column) => column.primaryKey())
    .addColumn('instance', 'text', (column) => column.notNull())
    .addColumn('started_at', 'bigint', (column) => column.notNull())
    .execute()
}
