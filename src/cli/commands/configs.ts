import type { Command } from 'commander'
import { MillraceError } from '../../platform/index.ts'
import { findTopic } from '../find-topic.ts'
import type { WithContext } from '../main.ts'
import { configOption, repeated } from '../options.ts'

interface SetOptions {
  default?: string[]
}

export function addConfigCommands(program: Command, context: WithContext): void {
  const configs = program.command('configs').description('what topics are configured with')
  configs
    .command('set <topic> [configs...]')
    .description('set configs of a topic, each as name=value')
    .option('--default <name>', 'take a config back to its default; may be repeated', repeated)
    .action(async (topic: string, texts: string[], { default: taken = [] }: SetOptions) => {
      const { output, withKafka } = context()
      const changes = {
        ...Object.fromEntries(texts.map((text) => configOption('configs set', text))),
        ...Object.fromEntries(taken.map((name) => [name, null])),
      }
      if (Object.keys(changes).length === 0) throw new MillraceError('BAD_REQUEST', 'Give name=value, or --default name.')
      await withKafka(async ({ admin }) => {
        findTopic((await admin.metadata([topic])).topics, topic)
        await admin.alterConfigs(topic, changes)
      })
      output.data({ topic, configs: changes })
      output.line(`${topic} configured`)
    })
  configs
    .command('describe <topic>')
    .description("a topic's configs, and where each comes from")
    .option('--own', 'only those that are set for this topic')
    .action(async (topic: string, { own }: { own?: boolean }) => {
      const { output, withKafka } = context()
      const all = await withKafka(async ({ admin }) => {
        findTopic((await admin.metadata([topic])).topics, topic)
        return admin.describeConfigs(topic)
      })
      const shown = Object.entries(all)
        .filter(([, { source }]) => own !== true || source === 'DYNAMIC_TOPIC_CONFIG')
        .toSorted(([a], [b]) => a.localeCompare(b))
      output.data({ topic, configs: Object.fromEntries(shown) })
      output.table(
        ['CONFIG', 'VALUE', 'SOURCE'],
        shown.map(([name, { value, source }]) => [name, value, source]),
      )
    })
}
