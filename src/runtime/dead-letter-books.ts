import type { DataSystems } from '../api-server/index.ts'
import type { Project } from '../core/index.ts'
import { DeadLetterBook } from '../streams/index.ts'

/** Of all streams, some 400 bytes each. */
const mostLetters = 200_000

/** The dead letters of each stream, kept from one question to the next as far as there is room for them. */
export class DeadLetterBooks {
  readonly #systems: Pick<DataSystems, 'kafka'>
  readonly #project: () => Project
  readonly #most: number
  readonly #books = new Map<string, DeadLetterBook>()

  constructor(systems: Pick<DataSystems, 'kafka'>, project: () => Project, most = mostLetters) {
    this.#systems = systems
    this.#project = project
    this.#most = most
  }

  async ask<T>(stream: string, question: (book: DeadLetterBook) => Promise<T>): Promise<T> {
    const book = await this.#bookOf(stream)
    try {
      return await question(book)
    } finally {
      this.#makeRoom()
    }
  }

  async #bookOf(stream: string): Promise<DeadLetterBook> {
    const kafka = await this.#systems.kafka()
    const { name, streams } = this.#project()
    for (const each of this.#books.keys()) if (!streams.some((known) => known.name === each)) this.#books.delete(each)
    const book = this.#books.get(stream) ?? new DeadLetterBook(kafka, name, stream)
    this.#books.set(stream, book)
    return book
  }

  /** The largest ones give way: their topics are read whole for each question, and the others' are not. */
  #makeRoom(): void {
    const bySize = [...this.#books.values()].toSorted((a, b) => b.size - a.size)
    let kept = bySize.reduce((sum, { size }) => sum + size, 0)
    for (const book of bySize) {
      if (kept <= this.#most) break
      kept -= book.size
      book.forget()
    }
  }
}
