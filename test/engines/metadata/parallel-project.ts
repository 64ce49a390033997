import { dagDef, projectOf, taskDef } from '../../../src/scheduler/scheduler-rig.ts'

export const runCount = 10
export const maxActiveRuns = 4
/** Thirty tasks: a fan of twenty, of which each two join. */
const fan = Array.from({ length: 20 }, (_, i) => taskDef(`t${i}`))
const joins = Array.from({ length: 10 }, (_, i) => taskDef(`j${i}`, { upstream: [`t${i * 2}`, `t${i * 2 + 1}`] }))
const tasks = [...fan, ...joins]

export const instanceCount = runCount * tasks.length
export const parallelProject = projectOf(dagDef(tasks, { id: 'wide', maxActiveRuns }))
