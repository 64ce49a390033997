export const basePathForm = 'write a path such as /tools/millrace, of letters, digits, "_", ".", "~" and "-"'

/** `/millrace`, without the slashes that it may end with; '' for the root; null when it is no such path. */
export function basePathOf(text: string): string | null {
  const path = text.replace(/\/+$/, '')
  return path === '' || /^(?:\/\w[\w.~-]*)+$/.test(path) ? path : null
}
