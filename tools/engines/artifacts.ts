import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { MillraceError, messageOf } from '../../src/platform/index.ts'
import { cacheDir } from './cache.ts'
import type { Artifacts, System } from './system.ts'

const MAVEN_PLUGIN = 'org.apache.maven.plugins:maven-dependency-plugin:3.6.1'
const MAVEN_TIMEOUT_MS = 600_000
const MARKER = 'complete.json'

/** What a complete folder holds: written last, so that a folder without it is none. */
interface Marker {
  readonly coordinates: readonly string[]
  /** File name → bytes. */
  readonly files: Readonly<Record<string, number>>
}

/** Folder of a system's artifacts; another version is another folder. */
export function artifactDir({ name, artifacts }: Pick<System, 'name' | 'artifacts'>, cache = cacheDir()): string {
  const digest = createHash('sha256').update(JSON.stringify(artifacts)).digest('hex').slice(0, 12)
  return join(cache, 'artifacts', `${name}-${digest}`)
}

/** True when every file that the marker names is there with its size. */
export function isComplete(dir: string): boolean {
  try {
    const marker: Marker = JSON.parse(readFileSync(join(dir, MARKER), 'utf8'))
    return Object.entries(marker.files).every(([file, sizeBytes]) => statSync(join(dir, file)).size === sizeBytes)
  } catch {
    return false
  }
}

/**
 * Brings the artifacts when they are not there, by Maven: it checks what it downloads, and goes on where it was stopped since its own
 * repository keeps each file that came.
 * @throws MillraceError UNREACHABLE with Maven's last lines
 */
export async function ensureArtifacts(system: Pick<System, 'name' | 'title' | 'artifacts'>, cache = cacheDir()): Promise<string> {
  const dir = artifactDir(system, cache)
  if (isComplete(dir)) return dir
  const partial = `${dir}.partial-${process.pid}`
  rmSync(partial, { recursive: true, force: true })
  mkdirSync(partial, { recursive: true })
  try {
    await copyDependencies(system.artifacts, partial)
    const jars = readdirSync(partial).filter((file) => file.endsWith('.jar'))
    const files = Object.fromEntries(jars.map((file) => [file, statSync(join(partial, file)).size]))
    const marker: Marker = { coordinates: system.artifacts.coordinates, files }
    writeFileSync(join(partial, MARKER), JSON.stringify(marker, null, 1))
    // Another process may have brought the same meanwhile; then its folder is as good.
    if (isComplete(dir)) return dir
    if (existsSync(dir)) rmSync(dir, { recursive: true, force: true })
    renameSync(partial, dir)
    return dir
  } catch (error) {
    throw new MillraceError('UNREACHABLE', `The artifacts of ${system.title} did not come: ${mavenSaid(error)}`, { cause: error })
  } finally {
    rmSync(partial, { recursive: true, force: true })
  }
}

async function copyDependencies({ coordinates }: Artifacts, dir: string): Promise<void> {
  const pom = join(dir, 'pom.xml')
  writeFileSync(pom, pomOf(coordinates))
  await promisify(execFile)(
    'mvn',
    [
      '--batch-mode',
      '--quiet',
      '--strict-checksums',
      '--file',
      pom,
      `${MAVEN_PLUGIN}:copy-dependencies`,
      '-DincludeScope=runtime',
      `-DoutputDirectory=${dir}`,
    ],
    { timeout: MAVEN_TIMEOUT_MS, maxBuffer: 16 * 1_048_576 },
  )
}

function pomOf(coordinates: readonly string[]): string {
  const dependencies = coordinates.map((each) => {
    const [group = '', artifact = '', version = ''] = each.split(':')
    return `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version></dependency>`
  })
  return [
    '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>',
    '<groupId>millrace</groupId><artifactId>engine</artifactId><version>1</version><packaging>pom</packaging>',
    `<dependencies>${dependencies.join('')}</dependencies></project>`,
  ].join('\n')
}

function mavenSaid(error: unknown): string {
  const output = error instanceof Error && 'stdout' in error ? String(error.stdout) : ''
  const told = output.split('\n').filter((line) => line.includes('ERROR'))
  return told.length > 0 ? told.slice(0, 3).join(' ') : messageOf(error)
}
