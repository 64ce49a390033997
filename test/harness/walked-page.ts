/** A page that is walked: what its reader types, sees and changes, in order. */
export interface PageStep {
  readonly title: string
  readonly blocks: readonly PageBlock[]
}

export type PageBlock =
  /** Commands for a shell, one a line. */
  | { readonly is: 'commands'; readonly commands: readonly string[] }
  /** What they, or what runs beside them, say. */
  | { readonly is: 'output'; readonly text: string }
  /** Lines of the pipeline's file that others are added to. */
  | { readonly is: 'edit'; readonly changes: readonly { readonly from: string; readonly to: string }[] }

/** The steps are the `##` sections that have fenced blocks: `sh` is typed, `text` is seen, `diff` is edited. */
export function readSteps(markdown: string): PageStep[] {
  return markdown
    .split(/^## /m)
    .slice(1)
    .map((section) => ({ title: section.slice(0, section.indexOf('\n')), blocks: blocksOf(section) }))
    .filter(({ blocks }) => blocks.length > 0)
}

function blocksOf(section: string): PageBlock[] {
  return [...section.matchAll(/^```(sh|text|diff)\n([\s\S]*?)^```$/gm)].map(([, language, text = '']): PageBlock => {
    if (language === 'sh') return { is: 'commands', commands: text.split('\n').filter((line) => line !== '') }
    return language === 'text' ? { is: 'output', text } : { is: 'edit', changes: changesOf(text) }
  })
}

/** Added lines, behind the line that they are added to; a lone `…` only says that lines are left out. */
function changesOf(diff: string): { from: string; to: string }[] {
  return [...diff.matchAll(/^ (.*)\n((?:^\+.*\n)+)/gm)].map(([, line = '', added = '']) => ({
    from: `${line}\n`,
    to: `${line}\n${added.replaceAll(/^\+/gm, ' ')}`,
  }))
}

/** What differs from one reader to the next: how it looks on the page, and what stands for it. */
const varying: readonly (readonly [RegExp, string])[] = [
  [/[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}/, String.raw`[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}`],
  [/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00)/, String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00)`],
  [/127\.0\.0\.1:\d+/, String.raw`127\.0\.0\.1:\d+`],
  [/\d+ (?=fetched|in topic|in table|in users_created|in spark_streams)/, String.raw`[1-9]\d* `],
  [/(?<=offset )\d+/, String.raw`\d+`],
  [/(?<=lag )\d+/, String.raw`\d+`],
  [/\d+(?:\.\d+)?(?= ?m?s\))/, String.raw`\d+(?:\.\d+)?`],
  [/ {2,}/, ' +'],
  [/…/, '.*'],
]

/**
 * What the page shows, as a pattern of what may be seen. Ids, times, ports and running counts stand for others of their kind, `…` for
 * anything on its line, and alone on a line for any lines. Lines of the page follow each other, as they do in what is seen. Where the page counts something, none is not enough.
 */
export function patternOf(shown: string): RegExp {
  const lines = shown.trimEnd().split('\n')
  const parts = lines.map((line) => (line.trim() === '…' ? String.raw`(?:.*\n)*?` : `${linePattern(line.trimEnd())}[ \\t]*(?:\\n|$)`))
  return new RegExp(`^${parts.join('')}`, 'm')
}

function linePattern(line: string): string {
  const [found, stands] = varying.reduce<[RegExpExecArray | null, string]>(
    (first, [pattern, stand]) => {
      const match = pattern.exec(line)
      return match !== null && (first[0] === null || match.index < first[0].index) ? [match, stand] : first
    },
    [null, ''],
  )
  if (found === null) return literally(line)
  return literally(line.slice(0, found.index)) + stands + linePattern(line.slice(found.index + found[0].length))
}

function literally(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')
}
