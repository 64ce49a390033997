import { expect, it } from 'vitest'
import { OwedRecords } from './owed-records.ts'
import type { RecordEntry } from './records.ts'

const entry = (key: string, value: string): RecordEntry => ({ key: Buffer.from(key), value: Buffer.from(value) })

/** Each attempt as the disk gets it, to be settled by the test. */
function slowDisk() {
  const attempts: { values: string[]; settle: PromiseWithResolvers<boolean> }[] = []
  const records = new OwedRecords((entries) => {
    const settle = Promise.withResolvers<boolean>()
    attempts.push({ values: entries.map(({ value }) => Buffer.from(value ?? []).toString()), settle })
    return settle.promise
  })
  return { attempts, records, settle: (i: number, written: boolean) => attempts[i]?.settle.resolve(written) }
}

it('records whose writing throws are owed, and go with the next', async () => {
  const { attempts, records, settle } = slowDisk()
  const first = records.write([entry('a', 'a1')])
  attempts[0]?.settle.reject(new Error('broken'))
  expect(await first).toBe(false)
  const second = records.write([entry('b', 'b1')])
  expect(attempts[1]?.values).toEqual(['a1', 'b1'])
  settle(1, true)
  expect(await second).toBe(true)
})

it('nobody is told that all is written while something that came before is not', async () => {
  const { attempts, records, settle } = slowDisk()
  const first = records.write([entry('a', 'a1')])
  const second = records.write([entry('b', 'b1')])
  settle(0, false)
  expect(await first).toBe(false)
  // What failed is tried again; what is under way counts too.
  const third = records.write([])
  expect(attempts[2]?.values).toEqual(['a1'])
  settle(2, true)
  settle(1, false)
  expect(await second).toBe(false)
  expect(await third).toBe(false)
  const fourth = records.write([])
  expect(attempts[3]?.values).toEqual(['b1'])
  settle(3, true)
  expect(await fourth).toBe(true)
})

it('whose record was written is told so, though a newer one of its key is under way', async () => {
  const { records, settle } = slowDisk()
  const first = records.write([entry('a', 'a1')])
  const second = records.write([entry('a', 'a2')])
  settle(0, true)
  expect(await first).toBe(true)
  settle(1, false)
  expect(await second).toBe(false)
})
