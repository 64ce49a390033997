import { vi } from 'vitest'

/** How long a condition is waited for: what holds in a moment here takes longer where eight others are at work; it only ends what would hang. */
const PATIENCE_MS = 60_000

const { waitFor } = vi
// Vitest's own limit is one second, and no setting changes it.
vi.waitFor = (callback, options) =>
  waitFor(callback, typeof options === 'number' ? { timeout: options } : { timeout: PATIENCE_MS, ...options })
