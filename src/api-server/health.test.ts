import { expect, test } from 'vitest'
import { MillraceError, systemClock } from '../platform/index.ts'
import { StallWatch } from './health.ts'

test('pipeline files that are not taken up are told with whether what was loaded before goes on', () => {
  const watch = new StallWatch(() => [], systemClock)
  const because = (error: MillraceError): string[] => watch.readiness({ parts: [], loadError: error.toJSON() }).because
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
  expect(watch.readiness({ parts: [], loadError: null })).toEqual({ ready: true, because: [] })
  watch.close()
})
