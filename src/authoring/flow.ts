import { definition, type Defined, type FlowStep, type LoadedFlow, type SchemaDef, type SourceSpec } from '../core/index.ts'
import type { Topic } from './topic.ts'

/** A flow that knows its topic: return it from a task, and the task runs it. */
export interface BoundFlow extends Defined<{ is: 'flow'; flow: LoadedFlow; schema: SchemaDef }> {
  readonly runs?: 'flow'
}

/** What the task that ran a flow passes on. */
export interface FlowResult {
  pages: number
  fetched: number
  filtered: number
  produced: number
}

/** Records of a source on their way to a topic. Nothing is fetched until a task returns the bound flow. */
export interface Flow<T> {
  map<U>(fn: (record: T) => U): Flow<U>
  filter(fn: (record: T) => boolean): Flow<T>
  /** @param topic one that takes what the flow carries; a missing or wrong field is a compile error */
  to<Out>(topic: Topic<T, Out>): BoundFlow
}

type AnyFunction = (value: never) => unknown

export function flowFrom<T>(
  source: SourceSpec,
  sourceFunctions: LoadedFlow['sourceFunctions'] = {},
  steps: readonly FlowStep[] = [],
): Flow<T> {
  const then = <U>(is: FlowStep['is'], fn: AnyFunction): Flow<U> =>
    flowFrom<U>(source, sourceFunctions, [...steps, { is, fn: fn as FlowStep['fn'] }])
  return {
    map: (fn) => then('map', fn),
    filter: (fn) => then('filter', fn),
    to: (topic) => ({
      [definition]: {
        is: 'flow',
        flow: { source, sourceFunctions, steps, topic: topic[definition].def, parse: topic.value[definition].parse },
        schema: topic[definition].schema,
      },
    }),
  }
}
