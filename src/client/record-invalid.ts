import type { FieldProblem } from '../connectors/index.ts'
import { MillraceError } from '../platform/index.ts'

export interface RecordProblem extends FieldProblem {
  /** Which of the values it is, from 0. */
  index: number
}

/** RECORD_INVALID: values that do not fit their topic; nothing of the call was produced. */
export class RecordInvalidError extends MillraceError {
  /** All of them, in order. */
  readonly problems: readonly RecordProblem[]

  constructor(topic: string, schema: string, count: number, problems: readonly RecordProblem[]) {
    const [first] = problems
    const texts = problems.map(({ index, path, message }) => `${count > 1 ? `value ${index}, ` : ''}${path || 'the value'}: ${message}`)
    super('RECORD_INVALID', `Topic ${topic} takes ${schema}, and this is none: ${texts.join('; ')}. Nothing was produced.`, {
      details: { topic, problems: problems.length, field: first?.path ?? '' },
    })
    this.problems = problems
  }
}
