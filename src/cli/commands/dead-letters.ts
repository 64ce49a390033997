import type { Command } from 'commander'
import type { DeadLetterView } from '../../core/index.ts'
import { MillraceError } from '../../platform/index.ts'
import type { WithContext } from '../main.ts'
import { wholeNumberOption } from '../options.ts'
import { addSettlingCommands, filterOf } from './settle-dead-letters.ts'

const states = ['open', 'failed-again', 'replayed', 'discarded', 'all'] as const
const statesInWords = `${states.slice(0, -1).join(', ')} or ${states.at(-1)}`

export function addDeadLetterCommands(program: Command, context: WithContext): void {
  const dlq = program.command('dlq').description('dead letters: records that could not become rows, with their reason')
  dlq
    .command('list')
    .description('list dead letters with stage, reason and origin: the open ones, or those of another state')
    .option('--stream <name>', 'one stream')
    .option('--state <state>', `${statesInWords}; failed-again are the open ones that were replayed before`, 'open')
    .option('--reason <stage>', 'the stage that failed: decode, validate, step or sink')
    .option('--since <time>', 'records of this time and later (ISO 8601), or of the last 30m, 12h, 7d')
    .option('--limit <n>', 'how many of each stream', '100')
    .action(async ({ stream, state, reason, since, limit }: ListOptions) => {
      const { api, output } = context()
      const filter = {
        state: stateOf(state),
        limit: wholeNumberOption('--limit', limit),
        ...filterOf({ reason, since }),
        ...(stream === undefined ? {} : { stream }),
      }
      const letters = await (await api()).deadLetters(filter)
      output.data(letters)
      output.table(
        ['STREAM', 'ID', 'STATE', 'STAGE', 'ORIGIN', 'REPLAYS', 'KEY', 'REASON'],
        letters.map((letter) => [
          letter.stream,
          letter.id,
          letter.state,
          letter.stage,
          `${letter.topic}/${letter.partition}:${letter.offset}`,
          letter.replays,
          letter.key,
          letter.message,
        ]),
        ['REPLAYS'],
      )
    })
  dlq
    .command('show <stream> <id>')
    .description('one dead letter whole: reason, headers, original key and value, and what became of it')
    .action(async (stream: string, id: string) => {
      const { api, output } = context()
      const letter = await (await api()).deadLetter(stream, id)
      output.data(letter)
      output.line(`${letter.stage}: ${letter.message}`)
      output.line(`from ${letter.topic}/${letter.partition} offset ${letter.offset}, ${letter.at}`)
      for (const line of historyOf(letter)) output.line(line)
      if (letter.landed === 'waiting') output.line('its replay waits for the stream')
      if (letter.landed === 'processed') output.line('the stream has processed its replay')
      if (letter.failedAs !== null) output.line(`its replay failed: it is dead letter ${letter.failedAs} now`)
      for (const header of letter.headers) output.line(`  ${header.key}: ${header.value}`)
      output.line(`key:   ${letter.key}`)
      output.line(`value: ${letter.value}${letter.valueIsBase64 ? ' (base64)' : ''}`)
    })
  addSettlingCommands(dlq, context)
}

interface ListOptions {
  stream?: string
  state: string
  reason?: string
  since?: string
  limit: string
}

function stateOf(text: string): (typeof states)[number] {
  const state = states.find((each) => each === text)
  if (state === undefined) throw new MillraceError('BAD_REQUEST', `--state is ${statesInWords}.`)
  return state
}

function historyOf({ replays, replayOf, settled, state }: DeadLetterView): string[] {
  const before = replays === 0 ? [] : [`replayed ${replays} time${replays === 1 ? '' : 's'} before, the last as ${replayOf ?? '?'}`]
  if (settled === null) return before
  return [...before, `${state} at ${settled.at} by ${settled.by}${settled.to === null ? '' : ` to ${settled.to}`}`]
}
