import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { SecretReference } from '../core/index.ts'
import { errnoOf, MillraceError } from '../platform/index.ts'

export interface SecretPlace {
  env: Readonly<Record<string, string | undefined>>
  /** What files are relative to. */
  folder: string
  source: string
  option: string
}

/** What a reference of a source's options holds, read where the source runs. Throws CONFIG_MISSING naming variable or file, never what is in it (P8). */
export function secretText(from: SecretReference, { env, folder, source, option }: SecretPlace): string {
  const text = from.secret === 'env' ? env[from.name] : fileText(resolve(folder, from.path), source, option)
  // The line end that an editor or `echo` leaves behind a secret is no part of it.
  const secret = text?.replace(/\r?\n$/, '') ?? ''
  if (secret !== '') return secret
  const what = from.secret === 'env' ? `the environment variable ${from.name}, which is not set` : `the file ${from.path}, which is empty`
  throw new MillraceError('CONFIG_MISSING', `Source ${source}: ${option} needs ${what}.`, { details: { source, option } })
}

function fileText(path: string, source: string, option: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const message = `Source ${source}: ${option} needs the file ${path}, which cannot be read (${errnoOf(error) ?? 'unknown reason'}).`
    throw new MillraceError('CONFIG_MISSING', message, { cause: error, details: { source, option } })
  }
}
