import type { Json } from '../core/index.ts'
import { MillraceError } from '../platform/index.ts'

/** A stored cursor that is none of what the source is now: another kind of source had its name. It never begins anew in silence. */
export function unfitCursor(source: string, cursor: Json): MillraceError {
  return new MillraceError(
    'SOURCE_FAILED',
    `Source ${source}: the stored cursor ${JSON.stringify(cursor).slice(0, 200)} does not fit what it reads now; give the source another name, or have it begin anew: millrace reset --source ${source}.`,
    { retriable: false, details: { source } },
  )
}
