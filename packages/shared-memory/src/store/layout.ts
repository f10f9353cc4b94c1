/**
 * The words of a store: a heap inside one structure (a dict, a list, a cache). They stand in the words of the structure's
 * object, right behind its tag.
 *
 * index · name     · meaning
 * 0     · LOCK     · the structure's `InnerLock`
 * 1     · SEQUENCE · odd while a writer is inside, or has died inside
 * 2     · SEED     · random and not 0: the seed of hashes, and what tells this object from a later one in the same place
 * 3, 4  · FILLED   · volatile: which of BINS are not empty, one bit for each
 * 5…    · CHUNKS   · 32 times the index of a chunk's first word; 0: none
 * 37…   · SIZES    · 32 times the size of that chunk in words
 * 69…   · BINS     · volatile: 64 times the first free block of about one size; 0: none
 *
 * A chunk is what the store takes from its memory at a time.
 *
 * index  · name  · meaning
 * 0      · MAGIC · says that this is a chunk; written last, when CHUNKS names it
 * 1      · ROOT  · the index of LOCK
 * 2      · SIZE  · in words
 * 4…     ·       · blocks
 * last 4 · END   · a block of its own, never free, so that every other one has a block behind it
 *
 * Blocks are multiples of 4 words.
 *
 * index · name   · meaning
 * 0     · HEAD   · state | size in granules of 4 words << 3
 * 1     · BEFORE · volatile: the size of the block in front of it; 0: it is the first one
 * 2     · LATER  · of a free block, volatile: the next one in its bin; 0: none
 * 3     · EARLIER · of a free block, volatile: the one in front of it in its bin; 0: it is the bin's first
 *
 * state · name     · meaning
 * 1     · FREE     · nobody uses it
 * 2     · USED     · it belongs to a change that is under way; does not count
 * 3     · LIVE     · it counts
 * 4     · CLAIM    · it holds a place for one who will come back; what that means is up to the structure
 * 5     · VOLATILE · can be made again from those that are LIVE
 * 6     · END      · the last of a chunk
 *
 * Invariant: whoever goes through a chunk from its first block by sizes comes to END exactly, at every instant. A block is
 * split, or becomes one with its neighbour, by one store of one HEAD.
 * Invariant: what the structure holds changes by one store: a HEAD that becomes LIVE or ceases to be, or a word of the
 * structure's own. All that is called volatile can be lost then, and is made again from the blocks.
 * Invariant: while SEQUENCE is even, everything volatile is true. Whoever takes LOCK and finds it odd makes that so first.
 * Invariant: a chunk belongs to the store if CHUNKS names it, its memory knows it, MAGIC is there and ROOT is this store. If
 * its maker died before MAGIC, the memory may have taken it back and given it to somebody else: one of these fails then.
 * Source: boundary tags are Donald Knuth's, The Art of Computer Programming 1, section 2.5; bins by size those of Doug Lea,
 * "A Memory Allocator", https://gee.cs.oswego.edu/dl/html/malloc.html; the sequence is a seqlock as in Hans Boehm, "Can
 * Seqlocks Get Along With Programming Language Memory Models?", https://www.hpl.hp.com/techreports/2012/HPL-2012-68.pdf
 * Differs: nothing of a block that is not free is needed to free its neighbour but the two words of its head, and those that
 * are volatile can all be wrong after a death.
 */
export const LOCK = 0
export const SEQUENCE = 1
export const SEED = 2
export const FILLED = 3
export const CHUNKS = 5
export const SIZES = 37
export const BINS = 69

export const mostChunks = 32
export const binCount = 64

/** How many words a store takes up in its object: behind the tag, what follows begins at a multiple of 4. */
export const storeWords = 135

export const MAGIC = 0
export const ROOT = 1
export const SIZE = 2
export const firstBlock = 4
export const chunkMagic = 0x43686e6b // "Chnk"

export const HEAD = 0
export const BEFORE = 1
export const LATER = 2
export const EARLIER = 3
/** The first word of a block that is its user's. */
export const PAYLOAD = 2

export const FREE = 1
export const USED = 2
export const LIVE = 3
export const CLAIM = 4
export const VOLATILE = 5
export const END = 6

export const granuleWords = 4

export const headOf = (granules: number, state: number): number => (granules << 3) | state
export const stateOf = (head: number): number => head & 7
/** In granules. */
export const sizeOf = (head: number): number => head >>> 3

/** The bin of free blocks of `granules`: one for each size up to 15, then two for each power of 2. */
export function binOf(granules: number): number {
  if (granules < 16) return granules
  const exponent = 31 - Math.clz32(granules)
  return 16 + (exponent - 4) * 2 + ((granules >>> (exponent - 1)) & 1)
}
