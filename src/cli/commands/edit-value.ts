import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DeadLetterView, Json } from '../../core/index.ts'
import { MillraceError } from '../../platform/index.ts'

/**
 * Opens a letter's value in the author's editor (`VISUAL`, `EDITOR`, else vi), JSON spread over lines, in a file that nobody else may
 * read and that is gone afterwards (P8).
 * @returns the value as it was saved; null when nothing was changed
 * @throws MillraceError BAD_REQUEST for what is no JSON, for a value that is no text, and when the editor failed
 */
export async function editValue(letter: DeadLetterView): Promise<Json> {
  if (letter.valueIsBase64) throw new MillraceError('BAD_REQUEST', 'Its value is no text to edit: repair it with --value.')
  const before = spread(letter.value ?? '')
  const folder = mkdtempSync(join(tmpdir(), 'millrace-edit-'))
  try {
    const file = join(folder, 'value.json')
    writeFileSync(file, before, { mode: 0o600 })
    await runEditor(file)
    const after = readFileSync(file, 'utf8')
    return after === before ? null : parsed(after)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function spread(text: string): string {
  try {
    return `${JSON.stringify(JSON.parse(text), null, 2)}\n`
  } catch {
    return text
  }
}

function parsed(text: string): Json {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new MillraceError('BAD_REQUEST', `What was saved is no JSON (${(cause as Error).message}); the letter is as it was.`, { cause })
  }
}

/** The variables hold a command with its arguments, for a shell: `code --wait`. */
async function runEditor(file: string): Promise<void> {
  const command = process.env.VISUAL || process.env.EDITOR || 'vi'
  const editor = spawn('sh', ['-c', `${command} "$1"`, 'sh', file], { stdio: 'inherit' })
  const code = await new Promise<number | null>((resolve, reject) => {
    editor.once('error', reject)
    editor.once('close', resolve)
  })
  if (code !== 0) throw new MillraceError('BAD_REQUEST', `The editor (${command}) ended with exit code ${code}; the letter is as it was.`)
}
