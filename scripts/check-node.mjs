// npm puts the pinned Node first in PATH; where it could not be installed, say so in one line instead of failing obscurely.
const needed = 24
if (Number(process.versions.node.split('.')[0]) < needed) {
  console.error(
    `Millrace's scripts need Node ${needed} and this is ${process.version}: install Node ${needed}, or run "npm ci" without --omit=optional (it brings one).`,
  )
  process.exit(69)
}
