import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connectKafka } from '../../src/kafka-client/index.ts'
import { connectCassandra, parseType, type CqlType } from '../../src/cql-client/index.ts'
import { eventually } from '../harness/millrace.ts'
import { findChromium } from './chromium.ts'
import { addresses, openConsole, type ConsoleUnderTest } from './console-under-test.ts'

/** Longer than this neither the page nor the server may stand still. */
const freezeMs = 1_500

/** In the page: the longest time between two of its frames since it was called. */
const watchFrames = `
  window.longestGap = 0
  let last = performance.now()
  const frame = (now) => {
    window.longestGap = Math.max(window.longestGap, now - last)
    last = now
    requestAnimationFrame(frame)
  }
  requestAnimationFrame(frame)
`

/** In the page: to the last row of the grid. */
const scrollDown = `{
  const grid = document.querySelector('[role=table]')
  grid.scrollTop = grid.scrollHeight
}`

describe.skipIf(findChromium() === null)('much at once', () => {
  let console: ConsoleUnderTest

  beforeAll(async () => {
    console = await openConsole()
  })
  afterAll(() => console[Symbol.asyncDispose]())

  const longestGap = (): Promise<number> => console.page.evaluate<number>('window.longestGap')

  test('a live view of 10,000 records a second samples, says so, and freezes neither page nor server', async () => {
    const { page } = console
    await using kafka = await connectKafka({ bootstrapServers: [addresses(console).kafka], clientId: 'much' })
    await kafka.admin.createTopics([{ name: 'much', partitions: 3, replicationFactor: 1, configs: {} }])
    await console.goto('/topics/much?tab=live')
    await page.getByTestId('live-state').getByText(/^live/).waitFor()
    await page.evaluate(watchFrames)
    const producer = kafka.producer()
    const value = JSON.stringify({ text: 'x'.repeat(200) })
    const answers: number[] = []
    for (let second = 0; second < 5; second++) {
      const startedMs = performance.now()
      for (let part = 0; part < 10; part++)
        await producer.send(
          Array.from({ length: 1_000 }, (_, i) => ({ topic: 'much', key: `k${second}.${part}.${i}`, value, timestampMs: Date.now() })),
        )
      const askedMs = performance.now()
      await (await fetch(`${console.url}/healthz`)).text()
      answers.push(performance.now() - askedMs)
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, startedMs + 1_000 - performance.now())))
    }
    await producer.close()
    const shown = await eventually(
      () => page.getByTestId('live-state').innerText(),
      (text) => text.includes('50,000 came'),
    )
    expect(shown).toMatch(/a sample of [\d,]+ is shown/)
    expect(await longestGap()).toBeLessThan(freezeMs)
    expect(Math.max(...answers)).toBeLessThan(freezeMs)
  })

  test('100,000 rows are scrolled through to the last', async () => {
    const { page } = console
    await using session = await connectCassandra({ contactPoints: [addresses(console).cassandra], localDataCenter: 'datacenter1' })
    await session.changeSchema('CREATE TABLE spark_streams.much (id int PRIMARY KEY, text text)')
    const columns = [
      { name: 'id', type: cqlType('int') },
      { name: 'text', type: cqlType('text') },
    ]
    const writer = await session.writer({ keyspace: 'spark_streams', table: 'much', columns })
    for (let at = 0; at < 100_000; at += 5_000) {
      const rows = Array.from({ length: 5_000 }, (_, i) => [at + i, `row ${at + i}`])
      await writer.write(rows, new BigInt64Array(5_000).fill(1_767_225_600_000_000n), AbortSignal.timeout(60_000))
    }
    await console.goto('/tables/spark_streams/much')
    const grid = page.getByRole('table', { name: 'Rows of much' })
    await grid.waitFor()
    await page.evaluate(watchFrames)
    await eventually(
      async () => {
        await page.evaluate(scrollDown)
        return page.getByTestId('rows-shown').innerText()
      },
      (text) => text === '100,000 rows shown',
      55_000,
    )
    // Of all those rows only what is in view is in the page.
    expect(await grid.getByRole('row').count()).toBeLessThan(100)
    await eventually(
      () => grid.getByRole('row').last().getAttribute('aria-rowindex'),
      (index) => index === '100001',
    )
    expect(await longestGap()).toBeLessThan(freezeMs)
  })
})

function cqlType(text: string): CqlType {
  const parsed = parseType(text)
  if (parsed === null) throw new Error(`${text} is no type`)
  return parsed
}
