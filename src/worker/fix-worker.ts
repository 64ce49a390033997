import { basename, dirname } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { DeadLetterView, FromFixes, Json, ToFixes } from '../core/index.ts'
import { asMillraceError, messageOf, MillraceError } from '../platform/index.ts'
import { authorError } from './author-error.ts'
import { bundle } from './bundle.ts'
import { openChannel } from './channel.ts'
import { keepNoCode } from './compiled-code.ts'

type Fix = (value: unknown, letter: DeadLetterView) => unknown

/** Runs the author's fix file on dead letters, one after another. */
export async function serveFixes(): Promise<void> {
  keepNoCode()
  const channel = openChannel<ToFixes, FromFixes>()
  let fix: Fix | null = null
  const handle = async (message: ToFixes): Promise<FromFixes> => {
    if (message.is === 'load') {
      fix = await loadFix(message.path, message.folder)
      return { is: 'loaded' }
    }
    if (fix === null) throw new MillraceError('INTERNAL', 'No fix file was loaded.')
    return { is: 'fixed', value: await fixed(fix, message.letter) }
  }
  channel.onMessage((message) => {
    void handle(message)
      .catch((error: unknown): FromFixes => ({ is: 'failed', error: asMillraceError(error, 'PIPELINE_INVALID').toJSON() }))
      .then((answer) => channel.send(answer))
  })
  await channel.send({ is: 'ready' })
}

async function loadFix(path: string, folder: string): Promise<Fix> {
  const [file] = await bundle(dirname(path), folder, [basename(path)])
  const loaded: unknown =
    file &&
    (await import(pathToFileURL(file.module).href).catch((error: unknown) => {
      throw authorError(error, dirname(path), basename(path), 'PIPELINE_INVALID')
    }))
  const fix = typeof loaded === 'object' && loaded !== null && 'default' in loaded ? loaded.default : undefined
  if (typeof fix !== 'function')
    throw new MillraceError(
      'PIPELINE_INVALID',
      `${basename(path)} exports no fix: write "export default (value, letter) => value", or null to leave one.`,
    )
  return (value, letter) => fix(value, letter)
}

async function fixed(fix: Fix, letter: DeadLetterView): Promise<Json> {
  let result: unknown
  try {
    result = await fix(valueOf(letter), letter)
  } catch (error) {
    throw new MillraceError('PIPELINE_INVALID', `The fix threw at ${letter.id}: ${messageOf(error)}`, { cause: error })
  }
  const text = JSON.stringify(result)
  if (text === undefined)
    throw new MillraceError(
      'PIPELINE_INVALID',
      `The fix returned no value for ${letter.id}: return the value to replay it with, or null to leave it.`,
    )
  return JSON.parse(text)
}

/** What was decoded; the text of what is no JSON. */
function valueOf({ value, valueIsBase64 }: DeadLetterView): unknown {
  if (value === null || valueIsBase64) return value
  try {
    return JSON.parse(value)
  } catch {
    return value
  }
}
