import { expect, test } from 'vitest'
import { MillraceError } from '../platform/index.ts'
import { readiness } from './health.ts'

test('pipeline files that are not taken up are told with whether what was loaded before goes on', () => {
  const because = (error: MillraceError): string[] => readiness({ parts: [], loadError: error.toJSON() }, []).because
  const secret = 'users.pipeline.ts:3: no luck'
  expect(because(new MillraceError('PIPELINE_INVALID', secret))).toEqual(['the pipeline files do not load'])
  const before = { details: { goesOn: 'before' } }
  expect(because(new MillraceError('PIPELINE_INVALID', secret, before))).toEqual([
    'the pipeline files do not load; what was loaded before goes on',
  ])
  expect(because(new MillraceError('SCHEMA_INCOMPATIBLE', secret, before))).toEqual([
    'the pipeline files as they are now are not taken up (SCHEMA_INCOMPATIBLE); what was loaded before goes on',
  ])
  expect(because(new MillraceError('UNREACHABLE', secret, { details: { goesOn: 'nothing' } }))).toEqual([
    'the pipeline files as they are now are not taken up (UNREACHABLE)',
  ])
  expect(readiness({ parts: [], loadError: null }, [])).toEqual({ ready: true, because: [] })
})

test('streams that do not get on for a minute are told, and those that stopped with an error', () => {
  const because = (motion: Parameters<typeof readiness>[1][number]): string[] => readiness({ parts: [], loadError: null }, [motion]).because
  const waiting = { stream: 's', is: 'waiting', records: 40, hasMoved: true } as const
  expect(because({ ...waiting, forMs: 59_999 })).toEqual([])
  expect(because({ ...waiting, forMs: 75_000 })).toEqual(['s: 40 records wait, none was committed for 75 s'])
  expect(because({ stream: 's', is: 'retrying', forMs: 59_999 })).toEqual([])
  expect(because({ stream: 's', is: 'retrying', forMs: 60_000 })).toEqual(['s has been retrying for 60 s'])
  expect(because({ stream: 's', is: 'stopped', failed: true })).toEqual(['s has stopped'])
  expect(because({ stream: 's', is: 'stopped', failed: false })).toEqual([])
})
