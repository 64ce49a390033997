import type { Command } from 'commander'
import { findTopic } from '../find-topic.ts'
import type { WithContext } from '../main.ts'

export function addConfigCommands(program: Command, context: WithContext): void {
  const configs = program.command('configs').description('what topics are configured with')
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
