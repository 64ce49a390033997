// Many times what anything takes on a quiet machine.
const WITHIN_MS = 90_000

// Resolves once `isThere` says so; polled, since the client tells of no assignment.
function until(isThere, what) {
  const deadline = Date.now() + WITHIN_MS
  return new Promise((resolve, reject) => {
    const look = () => {
      if (isThere()) resolve()
      else if (Date.now() > deadline) reject(new Error(`waited for ${what()}`))
      else setTimeout(look, 20)
    }
    look()
  })
}

const text = (bytes) => (bytes ? String(bytes) : null)
const numbered = (count) => Array.from({ length: count }, (_, i) => ({ value: `${i}` }))

module.exports = { WITHIN_MS, until, text, numbered }
