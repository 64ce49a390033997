import { describe } from 'vitest'
import { findChromium } from './chromium.ts'
import { judgeConsole } from './console-suite.ts'
import { cqlsh, kcat } from './console-under-test.ts'

describe.skipIf(findChromium() === null || kcat === null || cqlsh === null)('the console on embedded Kafka and Cassandra', () => {
  judgeConsole(() => ({}))
})
