import type { Command } from 'commander'
import type { ApiClient } from '../../api-client/index.ts'
import type { DeadLetterView, Json, SettledLetter } from '../../core/index.ts'
import { asMillraceError, MillraceError, systemClock } from '../../platform/index.ts'
import { openFixes } from '../../runtime/index.ts'
import { confirmed } from '../confirm.ts'
import type { WithContext } from '../main.ts'
import { numeral, type Output } from '../output.ts'
import { createProgress } from '../progress.ts'
import { editValue } from './edit-value.ts'

interface ChooseOptions {
  all?: boolean
  reason?: string
  since?: string
  rate?: string
  yes?: boolean
  dryRun?: boolean
}

interface ReplayOptions extends ChooseOptions {
  map?: string
  value?: string
  edit?: boolean
  raw?: boolean
}

/** Letters that go together to the API. */
const atOnce = 100

export function addSettlingCommands(dlq: Command, context: WithContext): void {
  chooser(dlq.command('replay <stream> [ids...]'))
    .description('send dead letters back into their stream; the stream writes them with their own time, so that newer versions stay')
    .option('--value <json>', 'replay the one letter with this value; its key stays')
    .option('--edit', 'open the value of each in your editor (VISUAL, EDITOR), and replay what you save', false)
    .option('--raw', 'the value is these bytes, not JSON', false)
    .option('--map <file>', 'run "export default (value, letter) => value" of this file on each; null leaves one as it is')
    .action(async (stream: string, ids: string[], options: ReplayOptions) => {
      const { api, output } = context()
      const client = await api()
      const edit = await editOf(ids, options, output)
      try {
        await settleAll({ client, output, stream, ids, options, edit, verb: 'replay' })
      } finally {
        await edit.close()
      }
    })
  chooser(dlq.command('discard <stream> [ids...]'))
    .description('mark dead letters as done with; they stay in their topic')
    .action(async (stream: string, ids: string[], options: ChooseOptions) => {
      const { api, output } = context()
      await settleAll({ client: await api(), output, stream, ids, options, edit: unchanged, verb: 'discard' })
    })
}

function chooser(command: Command): Command {
  return command
    .option('--all', 'all open ones, or those that --reason and --since say', false)
    .option('--reason <stage>', 'with --all: the stage that failed')
    .option('--since <time>', 'with --all: records of this time and later (ISO 8601), or of the last 30m, 12h, 7d')
    .option('--rate <n>', 'at most so many a second')
    .option('--dry-run', 'say what would be done', false)
    .option('-y, --yes', 'do not ask', false)
}

/** What the API's filters are called with. */
export function filterOf({ reason, since }: Pick<ChooseOptions, 'reason' | 'since'>): { reason?: string; since?: string } {
  return { ...(reason === undefined ? {} : { reason }), ...(since === undefined ? {} : { since: timeOf(since) }) }
}

const units: Record<string, number> = { m: 60_000, h: 3_600_000, d: 86_400_000 }

function timeOf(text: string): string {
  const [, count, unit = ''] = /^(\d{1,6})([mhd])$/.exec(text) ?? []
  const ms = count === undefined ? Date.parse(text) : systemClock.nowMs() - Number(count) * (units[unit] ?? 0)
  if (Number.isNaN(ms)) throw new MillraceError('BAD_REQUEST', `--since ${text} is no time: write 2026-01-31T12:00:00Z, or 30m, 12h, 7d.`)
  return new Date(ms).toISOString()
}

/** The value that a letter is replayed with: undefined its own, null none (it is left). */
interface Edit {
  needsLetters: boolean
  editedValue(letter: DeadLetterView | null): Promise<Json | undefined>
  as: 'json' | 'text'
  close(): Promise<void>
}

const unchanged: Edit = { needsLetters: false, editedValue: () => Promise.resolve(undefined), as: 'json', close: () => Promise.resolve() }

async function editOf(ids: readonly string[], { map, value, edit = false, raw = false }: ReplayOptions, output: Output): Promise<Edit> {
  if ([map !== undefined, value !== undefined, edit].filter(Boolean).length > 1)
    throw new MillraceError('BAD_REQUEST', 'Give one of --value, --edit and --map.')
  if (edit)
    return { ...unchanged, needsLetters: true, editedValue: (letter) => (letter === null ? Promise.resolve(null) : editValue(letter)) }
  if (map !== undefined) {
    const fixes = await openFixes(map, (line) => (output.json ? void process.stderr.write(`${line}\n`) : output.line(line)))
    return {
      needsLetters: true,
      editedValue: (letter) => (letter === null ? Promise.resolve(null) : fixes.fix(letter)),
      as: 'json',
      close: () => fixes.close(),
    }
  }
  if (value === undefined) return unchanged
  if (ids.length !== 1) throw new MillraceError('BAD_REQUEST', '--value is for one letter: name one id.')
  const parsed = raw ? value : jsonOf(value)
  return { ...unchanged, editedValue: () => Promise.resolve(parsed), as: raw ? 'text' : 'json' }
}

function jsonOf(text: string): Json {
  try {
    return JSON.parse(text)
  } catch {
    throw new MillraceError('BAD_REQUEST', '--value is no JSON; for other bytes add --raw.')
  }
}

interface Settling {
  client: ApiClient
  output: Output
  stream: string
  ids: readonly string[]
  options: ChooseOptions
  edit: Edit
  verb: 'replay' | 'discard'
}

interface Tally {
  letters: SettledLetter[]
  /** Letters that the fix left as they are, or failed at. */
  left: string[]
  failed: { id: string; error: string }[]
}

async function settleAll(settling: Settling): Promise<void> {
  const { options, verb, ids, stream } = settling
  if ((options.all ?? false) === ids.length > 0) throw new MillraceError('BAD_REQUEST', 'Name letters by their ids, or all with --all.')
  if (options.all && verb === 'discard' && !options.dryRun && !options.yes) {
    if (!(await confirmed(`Discard all open dead letters of ${stream}${options.reason ? ` with reason ${options.reason}` : ''}?`))) return
  }
  const perSecond = options.rate === undefined ? Infinity : Number(options.rate)
  if (!(perSecond > 0)) throw new MillraceError('BAD_REQUEST', '--rate is a number of letters a second.')
  const tally: Tally = { letters: [], left: [], failed: [] }
  const progress = createProgress(verb === 'replay' ? 'replayed' : 'discarded')
  for await (const part of chosen(settling, Math.max(1, Math.min(atOnce, Math.floor(perSecond))))) {
    const beganMs = systemClock.monotonicMs()
    await settlePart(settling, part, tally)
    progress.add(part.length)
    const restMs = (part.length / perSecond) * 1_000 - (systemClock.monotonicMs() - beganMs)
    if (restMs > 0 && !options.dryRun) await systemClock.sleep(restMs)
  }
  progress.end()
  tell(settling, tally)
  if (tally.failed.length > 0) process.exitCode = 1
}

interface Chosen {
  id: string
  letter: DeadLetterView | null
}

/** In parts of `size`, the newest page first; letters that fail again meanwhile are not among them. */
async function* chosen({ client, stream, ids, options, edit }: Settling, size: number): AsyncGenerator<Chosen[]> {
  if (!options.all) {
    const letters: Chosen[] = []
    for (const id of new Set(ids))
      letters.push({ id, letter: edit.needsLetters || options.dryRun ? await client.deadLetter(stream, id) : null })
    yield* parts(letters, size)
    return
  }
  let before: string | null = null
  do {
    const page = await client.deadLetterPage(stream, { ...filterOf(options), limit: 500, ...(before === null ? {} : { before }) })
    yield* parts(
      page.letters.toReversed().map((letter) => ({ id: letter.id, letter })),
      size,
    )
    before = page.next
  } while (before !== null)
}

function* parts<T>(all: readonly T[], size: number): Generator<T[]> {
  for (let i = 0; i < all.length; i += size) yield all.slice(i, i + size)
}

async function settlePart({ client, output, stream, options, edit, verb }: Settling, part: readonly Chosen[], tally: Tally): Promise<void> {
  const values: Record<string, Json> = {}
  const ids: string[] = []
  for (const { id, letter } of part) {
    try {
      const value = await edit.editedValue(letter)
      if (value === null) {
        tally.left.push(id)
        continue
      }
      if (value !== undefined) values[id] = value
      ids.push(id)
      if (options.dryRun) output.line(`${id}: would ${verb}${value === undefined ? '' : ` as ${JSON.stringify(value)}`}`)
    } catch (error) {
      tally.failed.push({ id, error: asMillraceError(error).message })
    }
  }
  if (ids.length === 0) return
  if (options.dryRun) tally.letters.push(...ids.map((id): SettledLetter => ({ id, is: 'missing' })))
  else
    tally.letters.push(
      ...(verb === 'discard' ? await client.discard(stream, ids) : await client.replay(stream, { ids, values, as: edit.as })),
    )
}

function tell({ output, options, verb }: Settling, { letters, left, failed }: Tally): void {
  if (options.dryRun) {
    output.data({ dryRun: true, would: letters.map(({ id }) => id), left, failed })
    output.line(
      `${numeral(letters.length)} would be ${verb === 'replay' ? 'replayed' : 'discarded'}, ${numeral(left.length)} left; nothing was changed`,
    )
  } else {
    output.data({ letters, left, failed })
    const done = letters.filter((each) => each.is !== 'missing' && !each.wasAlready).length
    output.line(
      `${numeral(done)} ${verb === 'replay' ? 'replayed' : 'discarded'}${left.length === 0 ? '' : `, ${numeral(left.length)} left as they are`}`,
    )
    for (const each of letters) {
      if (each.is === 'missing') output.line(`${each.id}: there is no such dead letter`)
      else if (each.wasAlready) output.line(`${each.id}: already ${each.is} at ${each.at} by ${each.by}`)
    }
  }
  for (const { id, error } of failed) output.line(`${id}: ${error}`)
}
