import { describe, expect, test } from 'vitest'
import { initialTableOptions, newTableOptions, withOptions } from './table-options.ts'

// Beside Cassandra 5, each option with each kind of value: test/engines/data/cql-option-statements.ts.
describe('options of a table', () => {
  test.each([
    ['gc_grace_seconds', '+3600', '3600'],
    ['bloom_filter_fp_chance', ' 5e-1f', '0.5'],
    ['crc_check_chance', '1', '1.0'],
    ['bloom_filter_fp_chance', '0.00007', '7.0E-5'],
    ['cdc', 'YES', 'true'],
    ['speculative_retry', 'min(50MS, 99.0percentile)', 'MIN(99p,50ms)'],
    ['additional_write_policy', 'none', 'NEVER'],
    ['caching', { keys: 'all' }, { keys: 'ALL', rows_per_partition: 'NONE' }],
    ['compression', {}, { enabled: 'false' }],
  ])('%s: %j is kept as %j', (name, given, kept) => {
    expect(withOptions(initialTableOptions, { [name]: given })[name]).toEqual(kept)
  })

  test('the standard bloom_filter_fp_chance is that of the compaction strategy', () => {
    const leveled = { compaction: { class: 'LeveledCompactionStrategy' } }
    expect(newTableOptions(leveled)['bloom_filter_fp_chance']).toBe('0.1')
    expect(newTableOptions({})['bloom_filter_fp_chance']).toBe('0.01')
    expect(withOptions(newTableOptions({}), leveled)['bloom_filter_fp_chance']).toBe('0.01')
    expect(withOptions(newTableOptions({}), { ...leveled, bloom_filter_fp_chance: '-1' })['bloom_filter_fp_chance']).toBe('0.1')
  })

  test.each([
    [{ gc_grace_seconds: '36.5' }, "Invalid integer value 36.5 for 'gc_grace_seconds'"],
    [{ comment: {} }, "Invalid value for property 'comment'. It should be a string"],
    [{ compaction: 'x' }, "Invalid value for property 'compaction'. It should be a map."],
    [{ constructor: 'x' }, "Unknown property 'constructor'"],
    [{ min_index_interval: '4096' }, 'max_index_interval must be greater than or equal to min_index_interval (4096) (got 2048)'],
    [{ compaction: { class: 'constructor' } }, "Unable to find compaction strategy class 'org.apache.cassandra.db.compaction.constructor'"],
    [{ compression: { class: 'LZ4Compressor', level: '1' } }, 'Unknown compression options level'],
  ])('%j is refused', (given: Record<string, string | Record<string, string>>, message) => {
    expect(() => withOptions(initialTableOptions, given)).toThrow(message)
  })
})
