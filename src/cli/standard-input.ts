import { createInterface } from 'node:readline'

/** Lines of standard input, empty ones left out. */
export async function* readLines(): AsyncGenerator<string> {
  for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) if (line !== '') yield line
}
