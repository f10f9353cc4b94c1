import { createHash } from 'node:crypto'
import { statSync } from 'node:fs'
import { AsyncBatchProcessor } from '@heddle/async-patterns'
import sqlite, { type JSValue } from 'node-sqlite3-wasm'
import type { IndexResult } from '../merge.js'
import type { Slices } from '../slices.js'
import { APPLICATION_ID } from './database-mark.js'

const rowsPerBatch = 500
/** Rows that one statement inserts: each call of a statement costs as much as several rows. */
const rowsPerStatement = 100
const flushMs = 100

/** A file's path (bytes), its size and its SHA-256; or a word and its count. */
export type Row = readonly JSValue[]
const tables = { files: 3, words: 2 } as const

/**
 * The index in a SQLite file.
 *
 * Why SQLite and no other embedded database: see the table in the README. It is synchronous here, a lot of rows takes a few
 * milliseconds; and one that was killed leaves a folder beside its file that locks it for good. So nobody ever opens a file
 * that may be unfinished: see WorkFolder.
 */
export class IndexDatabase implements Disposable {
  readonly #path: string
  #database: sqlite.Database

  /** Makes the database, in a new file. Blocks, as everything here does that gives no promise. */
  constructor(path: string) {
    this.#path = path
    this.#database = new sqlite.Database(path)
    // A file that is not finished is thrown away as a whole: it needs no journal, and no waiting for the disk on the way.
    this.#database.exec(`
      PRAGMA application_id = ${APPLICATION_ID};
      PRAGMA journal_mode = OFF;
      PRAGMA synchronous = OFF;
      PRAGMA locking_mode = EXCLUSIVE;
      CREATE TABLE files (path BLOB PRIMARY KEY, bytes INTEGER NOT NULL, sha256 BLOB NOT NULL) WITHOUT ROWID;
      CREATE TABLE words (word TEXT PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID;
      CREATE TABLE result (sha256 TEXT NOT NULL);
    `)
  }

  /**
   * What takes rows of a table and inserts them some hundreds at a time, each lot in one transaction.
   *
   * @param onFailed - is told when a lot could not be inserted: the database is of no use then
   */
  inserter(table: keyof typeof tables, onFailed: (error: unknown) => void): AsyncBatchProcessor<Row> {
    return new AsyncBatchProcessor<Row>({
      batchSize: rowsPerBatch,
      flushInterval: flushMs,
      process: (rows) => this.#insert(table, rows),
      onFailed: (_, error) => onFailed(error),
    })
  }

  #insert(table: keyof typeof tables, rows: readonly Row[]): void {
    const database = this.#database
    const one = `(${Array(tables[table]).fill('?').join()})`
    database.exec('BEGIN')
    const whole = rows.length - (rows.length % rowsPerStatement)
    const insert = (from: number, to: number, size: number) => {
      if (from === to) return
      const statement = database.prepare(`INSERT INTO ${table} VALUES ${Array(size).fill(one).join()}`)
      try {
        for (let row = from; row < to; row += size) statement.run(rows.slice(row, row + size).flat())
      } finally {
        statement.finalize()
      }
    }
    insert(0, whole, rowsPerStatement)
    insert(whole, rows.length, rows.length - whole)
    database.exec('COMMIT')
  }

  /** Closes the file and says how large it is. */
  finish(sha256: string): number {
    this.#database.run('INSERT INTO result VALUES (?)', [sha256])
    this.#database.close()
    return statSync(this.#path).size
  }

  /**
   * Reads a finished database back from its file, and makes the SHA-256 of the whole result of its rows alone.
   *
   * @throws Error: not all of the result is in it
   */
  async verify(result: IndexResult, slices: Slices): Promise<void> {
    this.#database = new sqlite.Database(this.#path, { readOnly: true })
    const hash = createHash('sha256')
    let [files, words, bytes] = [0, 0, 0]
    for await (const row of this.#rows('SELECT path, bytes, hex(sha256) AS sha256 FROM files ORDER BY path', slices)) {
      files++
      bytes += row.bytes as number
      hash.update(`${(row.sha256 as string).toLowerCase()}  `)
      hash.update(row.path as Uint8Array)
      hash.update('\0')
    }
    for await (const row of this.#rows('SELECT word, count FROM words ORDER BY word', slices)) {
      words++
      hash.update(`${row.word as string} ${row.count as number}\n`)
    }
    this.#database.close()
    const found = [files, bytes, words, hash.digest('hex')].join()
    const expected = [result.files, result.bytes, result.distinctWords, result.sha256].join()
    if (found !== expected) throw new Error(`the database gave back ${found} and not ${expected}`)
  }

  async *#rows(sql: string, slices: Slices) {
    const statement = this.#database.prepare(sql)
    try {
      for (const row of statement.iterate()) {
        if (slices.over) await slices.pause()
        yield row
      }
    } finally {
      statement.finalize()
    }
  }

  /** Closes the file, in whatever state it is. */
  [Symbol.dispose](): void {
    if (this.#database.isOpen) this.#database.close()
  }
}
