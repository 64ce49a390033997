import { expect, test } from 'vitest'
import { complete, type Names } from './completion.ts'

const names: Names = {
  keyspaces: ['shop', 'spark_streams', 'system'],
  tables: [
    { keyspace: 'shop', name: 'orders', columns: ['id', 'item'] },
    { keyspace: 'spark_streams', name: 'created_users', columns: ['id', 'email', 'first_name'] },
  ],
}

test.each([
  ['sel', null, ['select'], 'sel'],
  ['SEL', null, ['SELECT'], 'SEL'],
  ['EXP', null, ['EXPAND'], 'EXP'],
  ['SELECT * FROM s', null, ['shop.', 'spark_streams.', 'system.'], 's'],
  ['SELECT * FROM spark_streams.c', null, ['spark_streams.created_users'], 'spark_streams.c'],
  ['SELECT * FROM ', 'shop', ['orders', 'shop.', 'spark_streams.', 'system.'], ''],
  ['USE sp', null, ['spark_streams'], 'sp'],
  ['SELECT * FROM spark_streams.created_users WHERE e', null, ['email', 'exists'], 'e'],
  ['UPDATE orders SET i', 'shop', ['id', 'if', 'in', 'index', 'insert', 'into', 'item'], 'i'],
  ['DESCRIBE TABLE spark_streams.', null, ['spark_streams.created_users'], 'spark_streams.'],
  ['zzz', null, [], 'zzz'],
])('%j is completed', (input, keyspace, words, typed) => {
  expect(complete(input, names, keyspace)).toEqual([words, typed])
})
