import { expect, test } from 'vitest'
import type { LoadedStream } from '../core/index.ts'
import { compileStream } from './compile-steps.ts'
import { usersStream } from './testing/users.ts'

function change(stream: LoadedStream, topology: Partial<LoadedStream['topology']>): LoadedStream {
  return { ...stream, topology: { ...stream.topology, ...topology } }
}

const twoSteps = usersStream([
  { is: 'filter', fn: () => true },
  { is: 'each', fn: () => {} },
])

test('steps are in the order of the edges, whatever the order of the nodes', () => {
  const compiled = compileStream(change(twoSteps, { nodes: twoSteps.topology.nodes.toReversed() }))
  expect(compiled.steps.map(({ id }) => id)).toEqual(['filter-1', 'each-2'])
})

test('the digest is of the shape: other functions leave it, another step changes it', () => {
  const same = usersStream([
    { is: 'filter', fn: () => false },
    { is: 'each', fn: () => 1 },
  ])
  expect(compileStream(same).digest).toBe(compileStream(twoSteps).digest)
  expect(compileStream(usersStream()).digest).not.toBe(compileStream(twoSteps).digest)
})

test.each<[string, LoadedStream, RegExp]>([
  ['a topic without a key', usersStream([], { topic: { key: [] } }), /step "sink": topic "users" has no key/],
  ['a topic without a key, with a map', usersStream([{ is: 'map', fn: (v) => v }], { topic: { key: [] } }), /topic "users" has no key/],
  [
    'a table key beyond the topic’s',
    usersStream([], { table: { clusteringKey: [{ column: 'name', order: 'asc' }] } }),
    /key column "name" of table "app.users" is not part of the key/,
  ],
  [
    'a function that is not there',
    { ...twoSteps, functions: new Map() },
    /step "filter-1": its function "load" was not found in users.pipeline.ts/,
  ],
  ['another topic', { ...twoSteps, topic: { ...twoSteps.topic, name: 'others' } }, /step "source": it reads topic "users"/],
  ['another table', { ...twoSteps, table: { ...twoSteps.table, name: 'others' } }, /step "sink": it writes table "app.users"/],
  ['an edge that is missing', change(twoSteps, { edges: twoSteps.topology.edges.slice(1) }), /step "source": it leads to 0 steps/],
  ['a fork', change(twoSteps, { edges: [...twoSteps.topology.edges, ['source', 'sink']] }), /step "source": it leads to 2 steps/],
  ['an edge to nowhere', change(twoSteps, { edges: [['source', 'gone']] }), /leads to "gone"/],
  [
    'a circle',
    change(twoSteps, {
      edges: [
        ['source', 'filter-1'],
        ['filter-1', 'each-2'],
        ['each-2', 'filter-1'],
      ],
    }),
    /go round in a circle/,
  ],
  ['a step on no path', change(twoSteps, { edges: [['source', 'sink']] }), /do not lead to it/],
  ['no source', change(twoSteps, { nodes: twoSteps.topology.nodes.slice(1) }), /exactly one source; it has 0/],
  ['one id twice', change(twoSteps, { nodes: [...twoSteps.topology.nodes, ...twoSteps.topology.nodes] }), /same id/],
])('%s is refused, naming the step', (_, stream, message) => {
  expect(() => compileStream(stream)).toThrow(
    expect.objectContaining({ code: 'DEFINITION_INVALID', message: expect.stringMatching(message) }),
  )
})

test('a topic keyed by more than the table is taken, with a warning about the order', () => {
  expect(compileStream(usersStream([], { topic: { key: ['id', 'name'] } })).warnings).toHaveLength(1)
  expect(compileStream(usersStream()).warnings).toEqual([])
})

test('with a map the table’s key may be another: the map makes it', () => {
  expect(() => compileStream(usersStream([{ is: 'map', fn: (v) => v }], { table: { partitionKey: ['name'] } }))).not.toThrow()
})
