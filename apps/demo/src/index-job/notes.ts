/** What can be said about a file or folder that did not go the plain way. The order is the order of reports. */
export const noteKinds = {
  'unreadable-folder': { skipped: true, one: 'unreadable folder', many: 'unreadable folders' },
  'unreadable-file': { skipped: true, one: 'unreadable file', many: 'unreadable files' },
  vanished: {
    skipped: true,
    one: 'vanished between finding and reading',
    many: 'vanished between finding and reading',
  },
  'broken-link': { skipped: true, one: 'broken link', many: 'broken links' },
  special: { skipped: true, one: 'special file, not opened', many: 'special files, not opened' },
  binary: { skipped: true, one: 'binary file, it holds a NUL byte', many: 'binary files' },
  empty: { skipped: false, one: 'empty file, indexed without words', many: 'empty files, indexed without words' },
  'invalid-utf8': {
    skipped: false,
    one: 'not UTF-8 throughout, the wrong bytes separate words',
    many: 'files that are not UTF-8 throughout',
  },
  'long-run': {
    skipped: false,
    one: 'holds letters in a run too long to be a word, left out',
    many: 'files with runs too long to be words',
  },
} as const

export type NoteKind = keyof typeof noteKinds

export interface Note {
  readonly kind: NoteKind
  /** Relative to the input, its bytes as Latin-1. */
  readonly path: string
  /** The system's error code, or what kind of special file it is. */
  readonly detail?: string
}

/** How many notes of one kind are kept whole; of the others only the number. */
export const NOTES_KEPT = 5

/** Collects notes: the first few of each kind, the number of all. */
export class Notes {
  readonly #kept = new Map<NoteKind, Note[]>()
  readonly #counts = new Map<NoteKind, number>()
  readonly #onNote: (note: Note) => void

  /** @param onNote - called at once with each note that is kept */
  constructor(onNote: (note: Note) => void = () => {}) {
    this.#onNote = onNote
  }

  add(note: Note): void {
    const count = this.count(note.kind) + 1
    this.#counts.set(note.kind, count)
    if (count > NOTES_KEPT) return
    const kept = this.#kept.get(note.kind)
    if (kept === undefined) this.#kept.set(note.kind, [note])
    else kept.push(note)
    this.#onNote(note)
  }

  count(kind: NoteKind): number {
    return this.#counts.get(kind) ?? 0
  }

  /** Each kind that occurred, with its number and the notes that were kept. */
  summary(): { kind: NoteKind; count: number; kept: readonly Note[] }[] {
    return (Object.keys(noteKinds) as NoteKind[])
      .filter((kind) => this.count(kind) > 0)
      .map((kind) => ({ kind, count: this.count(kind), kept: this.#kept.get(kind) ?? [] }))
  }

  /** How many files and folders were left out. */
  get skipped(): number {
    return this.summary().reduce((sum, { kind, count }) => sum + (noteKinds[kind].skipped ? count : 0), 0)
  }
}

/** The system's code of an error that a file operation threw; any other error is thrown on. */
export function codeOf(error: unknown): string {
  const { code, syscall } = error as NodeJS.ErrnoException
  if (code === undefined || syscall === undefined) throw error
  return code
}

/** Throws on what is no refusal of the system to a file operation. */
export function throwUnlessRefused(error: unknown): void {
  codeOf(error)
}
