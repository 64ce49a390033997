/** Memory that nothing else lies in, and that whoever is last with it gives back by hand. */
const own = new WeakSet<ArrayBufferLike>()

/** Uninitialised bytes for `release`. */
export function ownMemory(sizeBytes: number): Buffer {
  const bytes = Buffer.allocUnsafeSlow(sizeBytes)
  own.add(bytes.buffer)
  return bytes
}

/**
 * Gives the memory under `bytes` back now, when it is from `ownMemory` or nothing else can lie in it (a chunk of a socket): all views of it
 * are empty from here on. Left to the garbage collector, the megabytes that pass through a broker make it run all the time: it took a
 * third of the CPU.
 */
export function release(bytes: Uint8Array): void {
  const { buffer, byteOffset, byteLength } = bytes
  const isAlone = byteOffset === 0 && byteLength === buffer.byteLength
  if (buffer instanceof ArrayBuffer && (own.delete(buffer) || isAlone) && !buffer.detached) buffer.transfer(0)
}
