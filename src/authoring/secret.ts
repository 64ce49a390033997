import type { SecretReference } from '../core/index.ts'
import { MillraceError } from '../platform/index.ts'

/** Secrets of `millrace.config.ts` by reference: what they hold is read when Millrace starts and is never written anywhere. */
export const secret = {
  /** The value of an environment variable. */
  env: (name: string): SecretReference => Object.freeze({ secret: 'env', name: filled('secret.env', name) }),
  /** The content of a file, relative to the config; a line end at its end is no part of it. Fits secrets that Docker and Kubernetes mount. */
  file: (path: string): SecretReference => Object.freeze({ secret: 'file', path: filled('secret.file', path) }),
} as const

function filled(what: string, text: string): string {
  if (typeof text === 'string' && text.trim() !== '') return text
  throw new MillraceError('CONFIG_INVALID', `${what}(…): give the name of the ${what === 'secret.env' ? 'variable' : 'file'}.`)
}
