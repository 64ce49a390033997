import { readFileSync, statSync } from 'node:fs'
import { relative, resolve } from 'node:path'
import type { SecretReference, SecretText } from '../core/index.ts'
import { errnoOf, MillraceError } from '../platform/index.ts'
import type { Environment } from './environment.ts'

export interface SecretPlace {
  /** Key in the config, for messages. */
  key: string
  /** A text in the config file that should rather be referred to: a warning says so. */
  isSensitive: boolean
}

/** Turns references into texts; what it warns of is gathered. No message holds a secret (P8). */
export class SecretReader {
  readonly warnings: string[] = []
  readonly #configPath: string
  readonly #projectDir: string
  readonly #env: Environment

  constructor(options: { configPath: string; projectDir: string; env: Environment }) {
    this.#configPath = options.configPath
    this.#projectDir = options.projectDir
    this.#env = options.env
  }

  /** Throws CONFIG_INVALID naming key and variable or file when there is nothing. */
  text(from: SecretText, place: SecretPlace): string {
    if (typeof from === 'string') {
      if (place.isSensitive) this.warnings.push(`${place.key} is written in millrace.config.ts: use secret.env(…) or secret.file(…).`)
      return from
    }
    return from.secret === 'env' ? this.#variable(from.name, place) : this.#file(this.path(from), place)
  }

  /** A certificate or key: a PEM text, whose line ends may have been written as `\n` to fit into a variable. */
  pem(from: SecretText, place: SecretPlace): string {
    const text = this.text(from, place)
    const pem = text.includes('\n') ? text : text.replaceAll(String.raw`\n`, '\n')
    if (/-----BEGIN [A-Z0-9 ]+-----/.test(pem)) return pem
    throw this.error(place.key, `is no PEM text ("-----BEGIN …"); for a file write secret.file('./${place.key.split('.').at(-1)}.pem')`)
  }

  /** Where a file lies: relative to the config. */
  path(from: Extract<SecretReference, { secret: 'file' }>): string {
    return resolve(this.#projectDir, from.path)
  }

  #variable(name: string, { key }: SecretPlace): string {
    const value = this.#env[name]
    if (value === undefined || value.trim() === '') throw this.error(key, `the environment variable ${name} is not set`)
    return withoutLineEnd(value)
  }

  #file(path: string, { key, isSensitive }: SecretPlace): string {
    let text: string
    try {
      text = withoutLineEnd(readFileSync(path, 'utf8'))
      if (isSensitive) this.#warnOfReaders(path, key)
    } catch (error) {
      throw this.error(key, `the file ${path} cannot be read (${errnoOf(error) ?? 'unknown reason'})`)
    }
    if (text === '') throw this.error(key, `the file ${path} is empty`)
    return text
  }

  /** Of files in the project alone: what is mounted from elsewhere has the mode that whoever mounts it gives. */
  #warnOfReaders(path: string, key: string): void {
    const isInProject = !relative(this.#projectDir, path).startsWith('..')
    if (isInProject && (statSync(path).mode & 0o007) !== 0)
      this.warnings.push(`${key}: every user of this machine may read ${path}: run chmod 600 on it.`)
  }

  /** CONFIG_INVALID: what is wrong with a key. */
  error(key: string, what: string): MillraceError {
    return new MillraceError('CONFIG_INVALID', `${this.#configPath}: "${key}": ${what}.`, { details: { file: this.#configPath, key } })
  }
}

/** The line end that an editor or `echo` leaves behind a secret is not part of it. */
function withoutLineEnd(text: string): string {
  return text.replace(/\r?\n$/, '')
}
