import type { Batch, Sink, SinkResult } from '../../core/index.ts'
import type { TestApi } from './test-api.ts'

type Row = Record<string, unknown>

/** A sink on a fresh, empty destination, and the ways to look behind it. */
export interface SinkUnderTest extends AsyncDisposable {
  sink: Sink<Row>
  /** The row as it stands, or null; in the shape that `row` made. */
  read(id: string): Promise<Row | null>
  /** Takes the destination away: no write can reach it until the test ends. */
  takeAway(): Promise<void>
}

export interface SinkSuite {
  open(): Promise<SinkUnderTest>
  /** A row with this key; another `version` is another value of the other columns. */
  row(id: string, version: number): Row
  /** A row with this key that the destination cannot hold. */
  refusedRow(id: string): Row
  /** Keys for the tests; valid ones for `row`, at least 4. */
  ids: readonly string[]
}

/** What every sink keeps (P2, P5, P6). Each test opens its own. */
export function sinkConformance({ test, assert }: TestApi, suite: SinkSuite): void {
  const id = (index: number): string => suite.ids[index] ?? `missing id ${index}`

  test('rows are written, one outcome each', async () => {
    await using under = await suite.open()
    assert.deepEqual(outcomesOf(await write(under, [suite.row(id(0), 1), suite.row(id(1), 1)], [10n, 11n])), ['written', 'written'])
    assert.deepEqual(await under.read(id(0)), suite.row(id(0), 1))
    assert.deepEqual(await under.read(id(1)), suite.row(id(1), 1))
  })

  test('a refused row is refused alone, and the outcomes keep the order of the rows', async () => {
    await using under = await suite.open()
    const rows = [suite.row(id(0), 1), suite.refusedRow(id(1)), suite.row(id(2), 1), suite.refusedRow(id(3))]
    assert.deepEqual(outcomesOf(await write(under, rows, [1n, 2n, 3n, 4n])), ['written', 'refused', 'written', 'refused'])
    assert.deepEqual(await under.read(id(0)), suite.row(id(0), 1))
    assert.deepEqual(await under.read(id(1)), null)
    assert.deepEqual(await under.read(id(2)), suite.row(id(2), 1))
  })

  test('writing the same rows again with the same write times changes nothing', async () => {
    await using under = await suite.open()
    for (let time = 0; time < 2; time++) {
      assert.deepEqual(outcomesOf(await write(under, [suite.row(id(0), 1)], [10n])), ['written'])
      assert.deepEqual(await under.read(id(0)), suite.row(id(0), 1))
    }
  })

  test('a later write time wins, an older one that comes late loses', async () => {
    await using under = await suite.open()
    await write(under, [suite.row(id(0), 2)], [20n])
    assert.deepEqual(outcomesOf(await write(under, [suite.row(id(0), 1)], [10n])), ['written'])
    assert.deepEqual(await under.read(id(0)), suite.row(id(0), 2))
    await write(under, [suite.row(id(0), 3)], [30n])
    assert.deepEqual(await under.read(id(0)), suite.row(id(0), 3))
  })

  test('within one batch the write time decides, not the order of the rows', async () => {
    await using under = await suite.open()
    await write(under, [suite.row(id(0), 2), suite.row(id(0), 1)], [20n, 10n])
    assert.deepEqual(await under.read(id(0)), suite.row(id(0), 2))
  })

  test('the write time is that of the record a row came from', async () => {
    await using under = await suite.open()
    await write(under, [suite.row(id(0), 1)], [10n])
    await write(under, [suite.row(id(0), 2), suite.row(id(1), 2)], [5n, 20n], [0, 1])
    await write(under, [suite.row(id(1), 3)], [99n, 15n], [1])
    assert.deepEqual(await under.read(id(0)), suite.row(id(0), 1))
    assert.deepEqual(await under.read(id(1)), suite.row(id(1), 2))
  })

  test('no rows are written at once', async () => {
    await using under = await suite.open()
    assert.deepEqual(await write(under, [], []), { is: 'done', outcomes: [] })
  })

  test('a destination that is away is unavailable, and no row is blamed', async () => {
    await using under = await suite.open()
    await under.takeAway()
    const result = await write(under, [suite.row(id(0), 1)], [10n])
    assert.deepEqual(result.is, 'unavailable')
    assert.deepEqual(result.is === 'unavailable' && result.error.retriable, true)
  })

  test('a write that is cancelled rejects', async () => {
    await using under = await suite.open()
    const result = under.sink.write([suite.row(id(0), 1)], batchOf([10n]), Uint32Array.of(0), AbortSignal.abort())
    assert.deepEqual(await result.then((done) => done.is, () => 'rejected'), 'rejected') // prettier-ignore
  })
}

function write(under: SinkUnderTest, rows: Row[], micros: bigint[], rowToRecord = rows.map((_, i) => i)): Promise<SinkResult> {
  return under.sink.write(rows, batchOf(micros), Uint32Array.from(rowToRecord), new AbortController().signal)
}

function outcomesOf(result: SinkResult): string[] {
  return result.is === 'done' ? result.outcomes.map((outcome) => outcome.is) : [result.is]
}

/** A batch of which only the write times matter. */
function batchOf(micros: readonly bigint[]): Batch {
  const count = micros.length
  return {
    topic: 'conformance',
    partition: 0,
    leaderEpoch: 0,
    bytes: new Uint8Array(),
    count,
    keyAt: new Int32Array(2 * count).fill(-1),
    valueAt: new Int32Array(2 * count).fill(-1),
    offsets: BigInt64Array.from(micros, (_, i) => BigInt(i)),
    timestampMs: new Float64Array(count),
    writeMicros: BigInt64Array.from(micros),
    headers: () => [],
    nextOffset: BigInt(count),
    highWatermark: BigInt(count),
  }
}
