import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './project.ts'

export function readDocument(name: string): string {
  return readFileSync(join(root, name), 'utf8')
}

/** The text of each fenced block of a language. */
export function fencedBlocks(markdown: string, language: string): string[] {
  return [...markdown.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].filter(([, found]) => found === language).map(([, , text = '']) => text)
}

/** The shell commands of a document's `sh` blocks, one each, without their comments. */
export function shellCommands(markdown: string): string[] {
  return fencedBlocks(markdown, 'sh')
    .flatMap((block) => block.split('\n'))
    .map((line) => line.replace(/(^|\s)#.*$/, ''))
    .flatMap((line) => line.split('&&'))
    .map((command) => command.trim())
    .filter((command) => command !== '')
}

/** The words of a shell command; single and double quotes are understood, nothing else is. */
export function shellWords(command: string): string[] {
  return [...command.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(([, double, single, plain]) => double ?? single ?? plain ?? '')
}

/** Targets of links to other files of the repository. */
export function relativeLinks(markdown: string): string[] {
  return [...markdown.matchAll(/\]\(([^)]+)\)/g)].map(([, target = '']) => target).filter((target) => !/^(https?:|#|mailto:)/.test(target))
}

/** What stands in backticks outside of fenced blocks. */
export function codeSpans(markdown: string): string[] {
  return [...markdown.replace(/^```[\s\S]*?^```$/gm, '').matchAll(/`([^`\n]+)`/g)].map(([, text = '']) => text)
}
