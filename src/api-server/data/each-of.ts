/** What is asked for many topics, partitions or tables is asked for so many at a time. */
const atATime = 4

/** The results in order. */
export async function eachOf<T, R>(items: readonly T[], action: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  const left = items.entries()
  const work = async (): Promise<void> => {
    for (const [i, item] of left) results[i] = await action(item)
  }
  await Promise.all(Array.from({ length: atATime }, work))
  return results
}
