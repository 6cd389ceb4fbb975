// Reading ahead in a table that is larger than the processor's caches. In: the hashes of a mail and where each is looked for first. Out:
// nothing; the memory is near when the look-ups come. Loads that nothing waits for come side by side, where a search goes for one after the
// other. How many are under way at a time is decided by the instructions between them, and V8 asks anew for an array's length and address
// whenever a loop comes round, and for a sum whether it is too large: so eight a turn, counted with | (a third less than one by one).

/**
 * Left out before the first slot. glibc gives large blocks 16 bytes behind the start of a page, where every second slot of a token would lie in
 * two cache lines: the tokens of a mail 31 instead of 24 µs with cold caches. Where blocks are given otherwise it is as it would be without.
 */
export const leadBytes = 48

/** Reads the word at `(hash & mask) * stride` of each hash but the last few. The result is there so that the loads are not left out. */
export function touch(words: Uint32Array, hashes: Uint32Array, mask: number, stride: number): number {
  let sum = 0
  for (let i = 0, last = hashes.length - 7; i < last; i += 8)
    sum ^=
      words[Math.imul(hashes[i]! & mask, stride)]! ^
      words[Math.imul(hashes[i | 1]! & mask, stride)]! ^
      words[Math.imul(hashes[i | 2]! & mask, stride)]! ^
      words[Math.imul(hashes[i | 3]! & mask, stride)]! ^
      words[Math.imul(hashes[i | 4]! & mask, stride)]! ^
      words[Math.imul(hashes[i | 5]! & mask, stride)]! ^
      words[Math.imul(hashes[i | 6]! & mask, stride)]! ^
      words[Math.imul(hashes[i | 7]! & mask, stride)]!
  return sum
}
