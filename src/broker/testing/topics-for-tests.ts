import { randomUUID } from 'node:crypto'

interface TestTopic {
  readonly name: string
  readonly id: string
  readonly logs: { readonly length: number }
}

/** Topics that are only names, ids and numbers of partitions. */
export class TopicsForTests {
  #revision = 0
  readonly #topics = new Map<string, TestTopic>()

  get revision(): number {
    return this.#revision
  }
  all(): TestTopic[] {
    return [...this.#topics.values()]
  }
  get(name: string): TestTopic | undefined {
    return this.#topics.get(name)
  }
  byId(id: string): TestTopic | undefined {
    return this.all().find((topic) => topic.id === id)
  }

  /** Makes a topic, or gives one more partitions. */
  put(name: string, partitions: number): void {
    const known = this.#topics.get(name)
    this.#revision++
    this.#topics.set(name, { name, id: known?.id ?? randomUUID(), logs: { length: Math.max(partitions, known?.logs.length ?? 0) } })
  }

  remove(name: string): void {
    if (this.#topics.delete(name)) this.#revision++
  }
}
