/**
 * Where the author's code called into this package: `file:line:column` of the first stack frame outside it, or null.
 * With source maps enabled the frame is the author's own file, not the bundle.
 */
export function callSite(): string | null {
  const here = new URL('.', import.meta.url).href
  const frames = (new Error().stack ?? '').split('\n').slice(1)
  const frame = frames.find((line) => !line.includes(here) && !line.includes('node:internal'))
  return /\(?((?:file:\/\/)?\/[^()]+:\d+:\d+)\)?$/.exec(frame ?? '')?.[1]?.replace('file://', '') ?? null
}
