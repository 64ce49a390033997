import { findTool } from '../../harness/tools.ts'
import { runProgram } from './run-program.ts'

export const kcat = findTool('kcat', 'MILLRACE_KCAT')

/** The checks of kcat (librdkafka 2.0) with what it saw. */
export async function runKcat(servers: string): Promise<Record<string, unknown>> {
  const run = (args: readonly string[], input = ''): Promise<string> => runProgram(kcat ?? '', ['-b', servers, ...args], { input })
  const lines = (text: string): string[] => text.split('\n').filter(Boolean)
  const codecs: string[] = []
  for (const codec of ['none', 'gzip', 'snappy', 'lz4', 'zstd']) {
    await run(
      ['-P', '-t', 'kcat', '-K:', '-Z', '-z', codec, '-H', `codec=${codec}`, '-X', 'enable.idempotence=true'],
      `k:${codec}\nempty:\n`,
    )
    codecs.push(codec)
  }
  const whole = ['-C', '-t', 'kcat', '-e', '-q', '-f', '%p %o %k %S %h\n']
  const large = 'x'.repeat(900_000)
  await run(['-P', '-t', 'kcat-large'], `${large}\n`)
  await run(['-P', '-t', 'kcat-group'], 'a\nb\nc\n')
  const group = ['-G', 'kcat', 'kcat-group', '-e', '-q', '-X', 'auto.offset.reset=earliest']
  const first = lines(await run(group))
  await run(['-P', '-t', 'kcat-group'], 'd\n')
  return {
    'records of every codec, keys, headers, null values, idempotent': lines(await run(whole)),
    'reading from an offset, and the last ones': [
      lines(await run([...whole, '-o', '8'])).length,
      lines(await run([...whole, '-o', '-3'])).length,
    ],
    'a large record': (await run(['-C', '-t', 'kcat-large', '-e', '-q', '-f', '%S'])).trim() === String(large.length),
    'a group that goes on where it stopped': [first, lines(await run(group))],
    'offsets by time': /offset 10/.test(await run(['-Q', '-t', 'kcat:0:-1'])),
    metadata: /topic "kcat" with 1 partitions/.test(await run(['-L'])),
  }
}
