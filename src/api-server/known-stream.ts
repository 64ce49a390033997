import { MillraceError } from '../platform/index.ts'
import type { ApiPorts } from './ports.ts'

/** The name of a stream of the project. @throws MillraceError NOT_FOUND naming those there are */
export function knownStream({ streams }: Pick<ApiPorts, 'streams'>, stream: string): string {
  const all = streams()
  if (all.includes(stream)) return stream
  throw new MillraceError('NOT_FOUND', `There is no stream ${stream}; there are: ${all.join(', ') || 'none'}.`)
}
