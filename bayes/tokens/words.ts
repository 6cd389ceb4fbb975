// Words of a text, hashed while they are read. In: Unicode text and the seed of a kind. Out: tokens in the sink. One pass over character
// codes, no strings: as a Unicode regular expression this step was nine tenths of a classification (docs/learning.md).
// A word starts with a letter, digit or currency sign; . ' - @ may stand inside; case is kept (folding lost on trec07p). Scripts without
// blanks give overlapping pairs. A disguised word (mixed scripts, hidden characters, v1agra, fullwidth) gives its plain form beside itself.
import {
  classOf, compatibility, cyrillic, digit, greek, hidden, joint, latin, leetSymbol, letter, pairScript, scriptOf, skeleton, surrogate,
  symbol, tail, unseen,
} from './chars.js' // biome-ignore format: a list
import { type Seed, type Sink, stepA, stepB } from './sink.js'

/** Longer runs are not words but data. */
const wordUnitsMax = 30
/** From here on a word also gives its first and last seven letters: compounds and inflected endings (German, Finnish, Turkish). */
const pieceUnitsMin = 13
const pieceUnits = 7
const longestPiecedUnits = 60

/** Scripts whose letters look like each other. */
const disguisable = latin | greek | cyrillic
/** The letters of ASCII, which are read in runs. */
const isPlain = new Uint8Array(65536)
for (const letters of ['abcdefghijklmnopqrstuvwxyz', 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'])
  for (const letter of letters) isPlain[letter.charCodeAt(0)] = 1

export interface WordOptions {
  readonly seed: Seed
  /** Where the lower-case form goes too (Subject words). */
  readonly lowerSeed?: Seed
}

/** `units` are those of the text (unitsOf). */
export function scanWords(text: string, units: Uint16Array, sink: Sink, options: WordOptions): void {
  const { seed, lowerSeed } = options
  const end = text.length
  let at = 0
  // Letters standing alone, as in 'v i a g r a': joined into one plain word when four or more follow each other.
  let alone = ''
  while (at < end) {
    const first = units[at]!
    const firstClass = classOf[first]!
    if (firstClass === letter || firstClass === unseen) {
      const start = at
      let { a, b } = seed
      let keptA = a
      let keptB = b
      let length = 0
      let keptUnits = 0
      let joints = 0
      let scripts = 0
      let digitInside = false
      let lastSolid = at
      let previousScript = 0
      while (at < end) {
        let unit = units[at]!
        if (isPlain[unit] === 1) {
          if ((previousScript === digit || previousScript === leetSymbol) && (scripts & disguisable) !== 0)
            digitInside = true
          const from = at
          do {
            a = Math.imul(a ^ unit, stepA)
            b = Math.imul(b ^ unit, stepB)
            b ^= b >>> 15
            unit = ++at < end ? units[at]! : 0
          } while (isPlain[unit] === 1)
          scripts |= latin
          previousScript = latin
          length += at - from
          keptA = a
          keptB = b
          keptUnits = length
          lastSolid = at
          continue
        }
        const kind = classOf[unit]!
        if (kind === unseen) {
          scripts |= scriptOf[unit]!
          at++
          continue
        }
        if (kind !== letter && kind !== joint && kind !== tail) break
        if (length === 0 && kind !== letter) break
        const script = scriptOf[unit]!
        if (
          (previousScript === digit || previousScript === leetSymbol) &&
          (script & disguisable) !== 0 &&
          (scripts & disguisable) !== 0
        )
          digitInside = true
        scripts |= script
        previousScript = script
        a = Math.imul(a ^ unit, stepA)
        b = Math.imul(b ^ unit, stepB)
        b ^= b >>> 15
        length++
        at++
        if (kind === joint) joints++
        else {
          keptA = a
          keptB = b
          keptUnits = length
          lastSolid = at
        }
      }
      if (keptUnits === 0) {
        if (at === start) at++
        continue
      }
      if (keptUnits === 1) {
        if (alone.length < wordUnitsMax) alone += text.slice(start, lastSolid)
      } else {
        if (alone !== '') alone = flushAlone(alone, sink)
        if (keptUnits <= wordUnitsMax) {
          if (sink.add(seed, keptA, keptB) && sink.names)
            sink.names[sink.count - 1] = `${seed.kind}:${seenPart(text.slice(start, lastSolid))}`
          if (lowerSeed) addLower(text.slice(start, lastSolid), sink, lowerSeed)
        }
        if (
          keptUnits <= longestPiecedUnits &&
          (keptUnits >= pieceUnitsMin || joints > 0 || scripts !== latin)
        )
          addRest(text, start, lastSolid, { units: keptUnits, joints, scripts, digitInside }, sink, seed)
      }
      continue
    }
    if (firstClass === pairScript || firstClass === surrogate || firstClass === symbol) {
      if (firstClass === pairScript && alone !== '') alone = flushAlone(alone, sink)
      at = scanOther(text, units, at, end, sink, seed)
      continue
    }
    at++
  }
  if (alone !== '') flushAlone(alone, sink)
}

/** What a word was made of. */
interface Make {
  readonly units: number
  readonly joints: number
  readonly scripts: number
  readonly digitInside: boolean
}

/** What a long or disguised word gives besides itself. Apart from the loop above, which V8 would compile anew for each of these branches. */
function addRest(text: string, from: number, to: number, make: Make, sink: Sink, seed: Seed): void {
  const { units, joints, scripts, digitInside } = make
  if (units >= pieceUnitsMin && joints === 0 && digitFree(scripts)) {
    sink.addText(sink.seeds.wordPiece, '<' + text.slice(from, from + pieceUnits).toLowerCase())
    sink.addText(sink.seeds.wordPiece, '>' + text.slice(to - pieceUnits, to).toLowerCase())
  }
  if (isDisguised(scripts, digitInside, joints, units))
    addDisguised(text.slice(from, to), scripts, sink, seed)
}

/** Reads what is not a word of letters and returns where it ends. */
function scanOther(
  text: string,
  units: Uint16Array,
  at: number,
  end: number,
  sink: Sink,
  seed: Seed,
): number {
  const kind = classOf[units[at]!]!
  if (kind === pairScript) return scanPairs(units, at, end, sink, seed)
  const width = kind === surrogate ? 2 : 1
  addAstral(text, at, width, sink, seed)
  return at + width
}

/** What a reader sees of a word: the hash leaves the rest out too. */
function seenPart(word: string): string {
  return [...word].filter((char) => classOf[char.charCodeAt(0)] !== unseen).join('')
}

function digitFree(scripts: number): boolean {
  return (scripts & (digit | leetSymbol | compatibility)) === 0
}

function isDisguised(scripts: number, digitInside: boolean, joints: number, units: number): boolean {
  if (digitInside) return true
  if ((scripts & (hidden | compatibility)) !== 0) return true
  if ((scripts & latin) !== 0 && (scripts & (greek | cyrillic)) !== 0) return true
  return joints >= 3 && joints * 2 + 1 >= units
}

/** The plain form is hashed as the ordinary word it imitates, so both share their evidence. */
function addDisguised(word: string, scripts: number, sink: Sink, seed: Seed): void {
  const plain = skeleton(word)
  if (plain.length < 2 || plain.length > wordUnitsMax) return
  addWord(plain, sink, seed)
  if ((scripts & hidden) !== 0) sink.addText(sink.seeds.bodyMark, 'hidden characters')
  if ((scripts & compatibility) !== 0) sink.addText(sink.seeds.bodyMark, 'compatibility letters')
  if ((scripts & latin) !== 0 && (scripts & (greek | cyrillic)) !== 0)
    sink.addText(sink.seeds.bodyMark, 'mixed scripts')
}

function flushAlone(letters: string, sink: Sink): string {
  if (letters.length >= 4) {
    addWord(skeleton(letters), sink, sink.seeds.bodyWord)
    sink.addText(sink.seeds.bodyMark, 'spaced letters')
  }
  return ''
}

function addWord(word: string, sink: Sink, seed: Seed): void {
  let { a, b } = seed
  for (let i = 0; i < word.length; i++) {
    const unit = word.charCodeAt(i)
    a = Math.imul(a ^ unit, stepA)
    b = Math.imul(b ^ unit, stepB)
    b ^= b >>> 15
  }
  if (sink.add(seed, a, b) && sink.names) sink.names[sink.count - 1] = `${seed.kind}:${word}`
}

function addLower(word: string, sink: Sink, seed: Seed): void {
  addWord(word.toLowerCase(), sink, seed)
}

/** Overlapping pairs of a run; a lone character is a token too. Unseen characters between are skipped. */
function scanPairs(units: Uint16Array, from: number, end: number, sink: Sink, seed: Seed): number {
  let at = from
  let previous = 0
  let length = 0
  while (at < end) {
    const unit = units[at]!
    const kind = classOf[unit]!
    if (kind === unseen) {
      at++
      continue
    }
    if (kind !== pairScript) break
    if (length > 0) addPair(previous, unit, sink, seed)
    previous = unit
    length++
    at++
  }
  if (length === 1) addPair(previous, 0, sink, seed)
  return at
}

function addPair(first: number, second: number, sink: Sink, seed: Seed): void {
  let a = Math.imul(seed.a ^ first, stepA)
  let b = Math.imul(seed.b ^ first, stepB)
  b ^= b >>> 15
  if (second !== 0) {
    a = Math.imul(a ^ second, stepA)
    b = Math.imul(b ^ second, stepB)
    b ^= b >>> 15
  }
  if (sink.add(seed, a, b) && sink.names)
    sink.names[sink.count - 1] =
      `${seed.kind}:${String.fromCharCode(first)}${second === 0 ? '' : String.fromCharCode(second)}`
}

/** Pictographs are tokens; mathematical and other styled letters beyond the base plane are read as the letters they imitate. */
function addAstral(text: string, at: number, width: number, sink: Sink, seed: Seed): void {
  const char = text.slice(at, at + width)
  if (width === 2) {
    const plain = char.normalize('NFKC')
    if (plain !== char && classOf[plain.charCodeAt(0)] === letter)
      sink.addText(sink.seeds.bodyMark, 'compatibility letters')
  }
  addWord(char, sink, seed)
}
