/** `Hddl`: which program's a SQLite file is, as SQLite's `application_id` has it. */
export const APPLICATION_ID = 0x4864646c
/** How many bytes at the beginning of a file tell whose it is. */
export const MARK_BYTES = 100

const magic = 'SQLite format 3\0'
const applicationIdOffset = 68

/** Whether a file that begins with these bytes was made by this job. Source: sqlite.org/fileformat.html, "The Database Header". */
export function isIndexDatabase(head: Buffer): boolean {
  return head.toString('latin1', 0, magic.length) === magic && head.readUInt32BE(applicationIdOffset) === APPLICATION_ID
}
