import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/** A folder for one test, with helpers to fill it; gone with `remove`. */
export class TemporaryFolder {
  readonly path = realpathSync(mkdtempSync(join(tmpdir(), 'heddle-demo-')))

  /** Writes a file, and the folders that lead to it. */
  write(name: string, content: string | Uint8Array): string {
    const path = join(this.path, name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, content)
    return path
  }

  folder(name: string): string {
    const path = join(this.path, name)
    mkdirSync(path, { recursive: true })
    return path
  }

  fifo(name: string): string {
    const path = join(this.path, name)
    execFileSync('mkfifo', [path])
    return path
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true })
  }
}

/** Lets tests of a file make folders, and removes them all with the returned function. */
export function temporaryFolders(): { make: () => TemporaryFolder; removeAll: () => void } {
  const folders: TemporaryFolder[] = []
  return {
    make: () => {
      const folder = new TemporaryFolder()
      folders.push(folder)
      return folder
    },
    removeAll: () => {
      for (const folder of folders.splice(0)) folder.remove()
    },
  }
}
