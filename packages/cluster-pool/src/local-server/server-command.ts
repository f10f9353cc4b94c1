import type { DataFolder } from './data-folder.js'
import type { SystemUser } from './system-user.js'

/** How one kind of server is made and run. */
export interface ServerKind {
  /** As whom it runs; undefined: as we do */
  readonly user: SystemUser | undefined
  /** What makes it end in good order, and soon. */
  readonly endSignal: NodeJS.Signals
  /** Makes its files; returns where it runs. Again, of a folder that has them: changes nothing. */
  initialise(folder: DataFolder, signal: AbortSignal): Promise<string>
  command(port: number, folder: DataFolder): ServerCommand
}

interface ServerCommand {
  readonly program: string
  /** No secret: every user of the machine can read them. */
  readonly args: readonly string[]
  /** What it reads from its standard input. */
  readonly input: string | undefined
}
