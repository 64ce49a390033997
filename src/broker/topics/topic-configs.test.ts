import { expect, it } from 'vitest'
import { invalidTopicConfigs } from './topic-configs.ts'

it('replicas that are throttled are partitions with their brokers, or all', () => {
  const wrong = (value: string): string | null => invalidTopicConfigs({ 'leader.replication.throttled.replicas': value })
  for (const value of ['', '*', '0:1', '0:1, 1:1']) expect(wrong(value)).toBeNull()
  for (const value of ['some', '0', '0:1:2', '0:x']) expect(wrong(value)).toContain('partition:broker')
})
