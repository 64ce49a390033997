import type { Command } from 'commander'
import { MillraceError } from '../../platform/index.ts'
import type { WithContext } from '../main.ts'

export function addDeadLetterCommands(program: Command, context: WithContext): void {
  const dlq = program.command('dlq').description('dead letters: records that could not become rows, with their reason')
  dlq
    .command('list')
    .description('list dead letters with stage, reason and origin')
    .option('--stream <name>', 'one stream')
    .option('--limit <n>', 'how many of each stream', '100')
    .action(async ({ stream, limit }: { stream?: string; limit: string }) => {
      const { api, output } = context()
      const letters = await (await api()).deadLetters({ limit: Number(limit), ...(stream === undefined ? {} : { stream }) })
      output.data(letters)
      output.table(
        ['STREAM', 'ID', 'STAGE', 'ORIGIN', 'KEY', 'REASON'],
        letters.map((letter) => [
          letter.stream,
          letter.id,
          letter.stage,
          `${letter.topic}/${letter.partition}:${letter.offset}`,
          letter.key,
          letter.message,
        ]),
      )
    })
  dlq
    .command('show <stream> <id>')
    .description('one dead letter whole: reason, headers, original key and value')
    .action(async (stream: string, id: string) => {
      const { api, output } = context()
      const letter = (await (await api()).deadLetters({ stream, limit: 10_000 })).find((each) => each.id === id)
      if (letter === undefined) throw new MillraceError('NOT_FOUND', `Stream ${stream} has no dead letter ${id}: see "millrace dlq list".`)
      output.data(letter)
      output.line(`${letter.stage}: ${letter.message}`)
      output.line(`from ${letter.topic}/${letter.partition} offset ${letter.offset}, ${letter.at}`)
      for (const header of letter.headers) output.line(`  ${header.key}: ${header.value}`)
      output.line(`key:   ${letter.key}`)
      output.line(`value: ${letter.value}${letter.valueIsBase64 ? ' (base64)' : ''}`)
    })
}
