import { describe, expect, test } from 'vitest'
import { alignColumns, counted, createOutput, numeral } from './output.ts'

describe('a table', () => {
  test('is aligned, numbers to the right, and has no spaces at the end of a line of words', () => {
    expect(
      alignColumns(
        ['TOPIC', 'LAG', 'MEMBER'],
        [
          ['orders', numeral(1_234_567n), null],
          ['a', 5, 'worker'],
        ],
        ['LAG'],
      ),
    ).toBe('TOPIC         LAG  MEMBER\norders  1,234,567  -\na               5  worker\n')
  })

  test('says nothing with --json, which has offsets as text', () => {
    const printed: string[] = []
    const output = createOutput(true, (text) => printed.push(text))
    output.table(['LAG'], [[1]], ['LAG'])
    output.line('words')
    output.data({ lag: 9_007_199_254_740_993n })
    expect(printed).toEqual(['{"lag":"9007199254740993"}\n'])
  })
})

test('one is said to be one', () => {
  expect([counted(0, 'record'), counted(1n, 'record'), counted(1_500, 'record')]).toEqual(['0 records', '1 record', '1,500 records'])
})
