import { oauthToken, type FunctionRef, type OauthToken } from '../core/index.ts'
import { messageOf, MillraceError } from '../platform/index.ts'
import { keepNoCode } from './compiled-code.ts'
import { loadedExport } from './loaded-definition.ts'

/**
 * Calls the author's token function of `millrace.config.ts`. What it throws is told as the author's failure, retriable: the identity
 * provider may be away.
 */
export async function callTokenFunction(ref: FunctionRef): Promise<OauthToken> {
  keepNoCode()
  const fn = ref.node.split('.').reduce<unknown>(innerOf, await loadedExport(ref))
  if (typeof fn !== 'function') throw new MillraceError('CONFIG_INVALID', `${ref.node} is not a function in ${ref.module}.`)
  try {
    return oauthToken(await fn())
  } catch (error) {
    if (error instanceof MillraceError) throw error
    throw new MillraceError('AUTHENTICATION_FAILED', `${ref.node} of millrace.config.ts failed: ${messageOf(error)}.`, {
      cause: error,
      retriable: true,
    })
  }
}

function innerOf(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined
}
