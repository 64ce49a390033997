import { errnoOf, messageOf } from '../../platform/index.ts'

export interface Failure {
  /** In words, with the SQLSTATE where there is one; no secret is in it. */
  reason: string
  /** The same query may well be answered later. */
  passes: boolean
}

/** PostgreSQL's own errors carry an SQLSTATE (appendix A); those of the connection carry none. */
export function failureOf(error: unknown): Failure {
  const state = sqlStateOf(error)
  if (state !== null) return { reason: `${messageOf(error)} (SQLSTATE ${state})`, passes: statePasses(state) }
  const message = messageOf(error) || (errnoOf(error) ?? 'no answer')
  return { reason: message, passes: !staysWrong(error, message) }
}

function sqlStateOf(error: unknown): string | null {
  if (!(error instanceof Error) || !('severity' in error) || !('code' in error)) return null
  return typeof error.code === 'string' ? error.code : null
}

/**
 * Connection exceptions (08), insufficient resources (53), cancelled (a statement's time-out among them), shut down or starting up (57),
 * transactions that lost against others (40), a lock or a transaction that took too long (55P03, 25P03, 25P04).
 */
function statePasses(state: string): boolean {
  return /^(08|53|57|40)/.test(state) || ['55P03', '25P03', '25P04'].includes(state)
}

/** Passwords, certificates and TLS are mended by somebody, not by time; so are mistakes of our own. */
function staysWrong(error: unknown, message: string): boolean {
  const code = errnoOf(error) ?? ''
  if (error instanceof TypeError || error instanceof RangeError) return code === ''
  return (
    /^SASL|password must be|does not support SSL|altnames|certificate/i.test(message) || /^ERR_TLS|CERT|SELF_SIGNED|^UNABLE_TO/.test(code)
  )
}
