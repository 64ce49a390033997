/** A system as data: what it is made of, how each of its processes is started, and when it is ready. */
export interface System {
  readonly name: string
  /** With the version, for people. */
  readonly title: string
  readonly artifacts: Artifacts
  /** Names of the ports that it listens on; a free one is picked for each. */
  readonly ports: readonly string[]
  /** In the order they start; they are stopped in the opposite one. */
  readonly processes: readonly Process[]
  /** What a client is told: the name of a setting and `host:port`. */
  address(place: Place): { readonly setting: string; readonly value: string }
  /** Resident memory once it stands, as measured; for people. */
  readonly memoryMb: number
}

/** Jars of Maven coordinates (`group:artifact:version`) and all they need at run time. Other kinds of artifacts join this union. */
export interface Artifacts {
  readonly is: 'maven'
  readonly coordinates: readonly string[]
}

/** Where a started system lives. */
export interface Place {
  /** Its folder: data, configuration. */
  readonly dir: string
  /** Folder of its artifacts; shared, not to be written. */
  readonly artifactDir: string
  readonly ports: Readonly<Record<string, number>>
}

export interface Process {
  readonly name: string
  /** Configuration files by path inside `place.dir`. */
  files(place: Place): Readonly<Record<string, string>>
  /** Run to its end before the first start, on an empty folder only. */
  prepare?(place: Place): Command
  command(place: Place): Command
  readonly ready: Readiness
  /** When it ends before it is ready and its error says this, it is started again, as its operator would. */
  readonly startAgainOn?: RegExp
  /** How it is asked to end before it is killed. */
  readonly stopSignal: NodeJS.Signals
}

export interface Command {
  readonly file: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

/** Ready is a process that has written `says` and answers the first bytes of its protocol; one alone comes too early with most. */
export interface Readiness {
  readonly port: string
  /** Any answer to this will do. */
  readonly request: Uint8Array
  readonly says?: RegExp
  readonly withinMs: number
}

/** A started system. */
export interface Engine extends AsyncDisposable {
  readonly name: string
  readonly title: string
  /** Of its main process (the last of `pids`). It changes at `restart`. */
  readonly pid: number
  /** Of all its processes, in the order they were started. */
  readonly pids: readonly number[]
  readonly ports: Readonly<Record<string, number>>
  readonly address: { readonly setting: string; readonly value: string }
  /** Paths of its log files; they are kept after the end. */
  readonly logs: readonly string[]
  /** In order, as an operator would; its data stay for `restart`. */
  stop(): Promise<void>
  /** `kill -9` of all its processes at once. */
  kill(): Promise<void>
  /** Starts it again on the same ports and data; stops it first when it runs. */
  restart(): Promise<void>
}
