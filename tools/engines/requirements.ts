import { spawnSync } from 'node:child_process'
import { artifactDir, isComplete } from './artifacts.ts'
import { systems } from './systems/index.ts'

const NEEDED_JAVA = 17

/** What keeps the systems from starting, with how to get it; null: nothing. Maven is needed only while artifacts are missing. */
export function missing(): string | null {
  const java = javaVersion()
  if (java === null) return `Java is not installed: get a Java ${NEEDED_JAVA} runtime (Debian: apt-get install openjdk-17-jre-headless).`
  if (java !== NEEDED_JAVA)
    return `Java ${java} is first in the path, and Cassandra 5.0 wants Java ${NEEDED_JAVA} (Debian: apt-get install openjdk-17-jre-headless).`
  if ([...systems.values()].every((system) => isComplete(artifactDir(system)))) return null
  const { error } = spawnSync('mvn', ['--version'], { timeout: 30_000 })
  return error ? 'Maven is not installed, which brings the systems from Maven Central (Debian: apt-get install maven).' : null
}

/** The major version of the `java` in the path; null without one. */
function javaVersion(): number | null {
  const { error, stderr } = spawnSync('java', ['-version'], { encoding: 'utf8', timeout: 30_000 })
  const version = /version "(\d+)/.exec(stderr ?? '')?.[1]
  return error || version === undefined ? null : Number(version)
}
