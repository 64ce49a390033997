// Runs a command of this repository with Node 24 first in the path, for what it starts too: `node scripts/run.mjs <command> [arguments]`.
// npm links the Node it brought into the path as well, but not every npm keeps that link (npm 10 takes it away with the one for another processor).
import { delimiter, dirname } from 'node:path'
import { become, endBecause, findNode, findObstacle } from '../bin/pinned-node.mjs'

const [command, ...args] = process.argv.slice(2)
const node = findNode()
const obstacle = await findObstacle()
if (obstacle !== null) endBecause(obstacle)
else become(command === 'node' ? node : command, args, { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH}` })
