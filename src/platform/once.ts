/** Makes it when it is first asked for, and gives the same to all that ask later: a failure too, where a promise is made. */
export function once<T extends object>(make: () => T): () => T {
  let made: T | null = null
  return () => (made ??= make())
}
