import { glob } from 'node:fs/promises'
import { pathToFileURL } from 'node:url'
import {
  definedSoFar,
  definitionOf,
  type DagDef,
  type FunctionRef,
  type LoadedDefinition,
  type Project,
  type SchemaDef,
  type Topology,
} from '../core/index.ts'
import { MillraceError } from '../platform/index.ts'
import { authorError } from './author-error.ts'
import { bundle, type BundledFile } from './bundle.ts'

/** Where a definition was found: its file and the name it is exported under. */
interface Found {
  file: BundledFile
  exportName: string
  definition: LoadedDefinition
}

/**
 * Finds, bundles and loads the pipeline files, and gathers what they export as data.
 * @throws MillraceError PIPELINE_INVALID naming file and line
 */
export async function loadProject(
  options: { name: string; projectDir: string; bundlesDir: string; globs: readonly string[] },
  onLoading: (file: string) => Promise<void>,
): Promise<{ project: Project; warnings: string[]; files: string[] }> {
  const sources = await findPipelines(options.projectDir, options.globs)
  if (sources.length === 0) {
    throw new MillraceError(
      'PIPELINE_INVALID',
      `No pipeline file matches ${options.globs.join(', ')} in ${options.projectDir}: name one users.pipeline.ts, or set "pipelines" in millrace.config.ts.`,
    )
  }
  const found: Found[] = []
  const bundled = await bundle(options.projectDir, options.bundlesDir, sources)
  for (const file of bundled) {
    await onLoading(file.source)
    found.push(...(await loadFile(options.projectDir, file)))
  }
  checkExported(found)
  const files = [...new Set(bundled.flatMap(({ inputs }) => inputs))]
  return { project: gather(options.name, found), warnings: warningsOf(found), files }
}

async function findPipelines(projectDir: string, globs: readonly string[]): Promise<string[]> {
  const sources: string[] = []
  for await (const source of glob([...globs], { cwd: projectDir, exclude: ['**/node_modules/**', '**/.millrace/**'] })) sources.push(source)
  return sources.toSorted()
}

async function loadFile(projectDir: string, file: BundledFile): Promise<Found[]> {
  const loaded: Record<string, unknown> = await import(pathToFileURL(file.module).href).catch((error: unknown) => {
    throw authorError(error, projectDir, file.source, 'PIPELINE_INVALID')
  })
  return Object.entries(loaded).flatMap(([exportName, value]) => {
    const definition = definitionOf(value)
    return definition === null ? [] : [{ file, exportName, definition }]
  })
}

/** A stream or DAG that no file exports would be silently left out: say so instead. */
function checkExported(found: readonly Found[]): void {
  const exported = new Set(found.map((each) => each.definition))
  for (const made of definedSoFar()) {
    if (exported.has(made) || (made.is !== 'stream' && made.is !== 'dag')) continue
    const { kind, name, at } =
      made.is === 'stream'
        ? { kind: 'stream', name: made.stream.topology.name, at: made.stream.topology.at }
        : { kind: 'dag', name: made.def.id, at: made.def.at }
    throw new MillraceError(
      'PIPELINE_INVALID',
      `${at ?? ''}: ${kind} "${name}" is not exported: write "export const … = ${kind}('${name}', …)".`,
    )
  }
}

function gather(name: string, found: readonly Found[]): Project {
  const project: Project = { name, schemas: [], topics: [], tables: [], streams: [], dags: [] }
  for (const { definition, file, exportName } of found) {
    const ref = (node: string): FunctionRef => ({ module: file.module, export: exportName, node, digest: file.digest })
    switch (definition.is) {
      case 'schema':
        addOnce(project.schemas, definition.def, (def) => def.name, 'schema', file)
        break
      case 'topic':
        addOnce(project.topics, definition.def, (def) => def.name, 'topic', file)
        addSchema(project, definition.schema, file)
        break
      case 'table':
        addOnce(project.tables, definition.def, (def) => `${def.keyspace}.${def.name}`, 'table', file)
        addSchema(project, definition.schema, file)
        break
      case 'stream':
        addStream(project, definition, ref, file)
        break
      case 'dag':
        addOnce(project.dags, dagWithRefs(definition.def, ref), (def) => def.id, 'dag', file)
        break
      case 'flow':
        throw new MillraceError(
          'PIPELINE_INVALID',
          `${file.source}: "${exportName}" is a flow; return it from a task instead of exporting it.`,
        )
    }
  }
  return project
}

function addStream(
  project: Project,
  definition: Extract<LoadedDefinition, { is: 'stream' }>,
  ref: (node: string) => FunctionRef,
  file: BundledFile,
): void {
  const { topology, topic, table } = definition.stream
  addOnce(project.streams, { ...withRefs(topology, ref), fn: ref('') }, (def) => def.name, 'stream', file)
  addOnce(project.topics, topic, (def) => def.name, 'topic', file)
  addOnce(project.tables, table, (def) => `${def.keyspace}.${def.name}`, 'table', file)
  for (const schema of definition.schemas) addSchema(project, schema, file)
}

function addSchema(project: Project, schema: SchemaDef, file: BundledFile): void {
  addOnce(project.schemas, schema, (def) => def.name, 'schema', file)
}

/** The same definition may be reached through several exports; two different ones under one name are a mistake. */
function addOnce<T>(list: T[], item: T, nameOf: (item: T) => string, kind: string, file: BundledFile): void {
  const other = list.find((each) => nameOf(each) === nameOf(item))
  if (other === undefined) list.push(item)
  else if (JSON.stringify(other) !== JSON.stringify(item)) {
    throw new MillraceError(
      'PIPELINE_INVALID',
      `${file.source}: ${kind} "${nameOf(item)}" is defined twice, differently: give one of them another name.`,
    )
  }
}

function withRefs(topology: Topology, ref: (node: string) => FunctionRef): Topology {
  return { ...topology, nodes: topology.nodes.map((node) => ('fn' in node ? { ...node, fn: ref(node.id) } : node)) }
}

function dagWithRefs(def: DagDef, ref: (node: string) => FunctionRef): DagDef {
  return { ...def, tasks: def.tasks.map((task) => ({ ...task, fn: ref(task.id) })) }
}

function warningsOf(found: readonly Found[]): string[] {
  return found.flatMap(({ definition, file }) =>
    definition.is === 'dag' && definition.def.tasks.length === 0
      ? [`${file.source}: dag "${definition.def.id}" has no task: a task is added by calling it, as in "const t = d.task(…); t()".`]
      : [],
  )
}
