// Byte sets and the syntax tree of a Perl regex: what the parser gives, and the printer (exact) and an automaton builder read.

/** 256 entries, 0 or 1. */
export type ByteSet = Uint8Array

export type Assertion = 'start' | 'lineStart' | 'end' | 'endOrLf' | 'lineEnd' | 'word' | 'notWord'

export type Node =
  | { readonly t: 'char'; readonly code: number; readonly fold: boolean }
  | { readonly t: 'set'; readonly set: ByteSet }
  | { readonly t: 'seq'; readonly items: readonly Node[] }
  | { readonly t: 'alt'; readonly items: readonly Node[] }
  | {
      readonly t: 'repeat'
      readonly item: Node
      readonly min: number
      readonly max: number
      readonly mode: 'greedy' | 'lazy' | 'possessive'
    }
  | { readonly t: 'assert'; readonly kind: Assertion }
  | { readonly t: 'look'; readonly ahead: boolean; readonly negative: boolean; readonly item: Node }
  | { readonly t: 'capture'; readonly index: number; readonly name: string | undefined; readonly item: Node }
  | { readonly t: 'atomic'; readonly item: Node }
  | { readonly t: 'backref'; readonly index: number; readonly fold: boolean }

export function emptySet(): ByteSet {
  return new Uint8Array(256)
}

export function rangeSet(...ranges: readonly (readonly [number, number])[]): ByteSet {
  const set = emptySet()
  for (const [low, high] of ranges) set.fill(1, low, high + 1)
  return set
}

export function complement(set: ByteSet): ByteSet {
  return set.map((member) => 1 - member)
}

export function addAll(into: ByteSet, from: ByteSet): void {
  for (let code = 0; code < 256; code++) if (from[code]) into[code] = 1
}

export function setSize(set: ByteSet): number {
  let size = 0
  for (let code = 0; code < 256; code++) size += set[code]!
  return size
}

/** The two sets share a byte. */
export function overlap(a: ByteSet, b: ByteSet): boolean {
  for (let code = 0; code < 256; code++) if (a[code] && b[code]) return true
  return false
}

export const digitSet = rangeSet([48, 57])
export const wordSet = rangeSet([48, 57], [65, 90], [95, 95], [97, 122])
/** Perl's \s under /a: tab to CR (vertical tab included) and blank; no NBSP, no 0x85. */
export const spaceSet = rangeSet([9, 13], [32, 32])
export const notLfSet = complement(rangeSet([10, 10]))
export const anySet = rangeSet([0, 255])

/** The other case of a byte under Perl's /i with byte strings (ASCII and Latin-1 letters fold), or -1. */
export function otherCase(code: number): number {
  const lower = code | 0x20
  const ascii = lower >= 97 && lower <= 122
  const latin = code >= 0xc0 && lower >= 0xe0 && lower <= 0xfe && lower !== 0xf7
  return ascii || latin ? code ^ 0x20 : -1
}

/** Pairs of bytes that differ in case only, lower number first. */
const casePairs = Array.from({ length: 256 }, (_, code) => [code, otherCase(code)] as const).filter(
  ([code, other]) => other > code,
)

export function foldSet(set: ByteSet): ByteSet {
  const out = set.slice()
  for (const [upper, lower] of casePairs) if (set[upper] || set[lower]) out[upper] = out[lower] = 1
  return out
}

/** Sets of single characters, made once: [code] and, folded, [256 + code]. */
const charSets: (ByteSet | undefined)[] = []

function charSet(code: number, fold: boolean): ByteSet {
  const key = fold ? 256 + code : code
  let set = charSets[key]
  if (!set) {
    set = fold ? foldSet(rangeSet([code, code])) : rangeSet([code, code])
    charSets[key] = set
  }
  return set
}

/** The set of bytes that a one-byte node accepts, or undefined for any other node. Shared: not to be changed. */
export function bytesOf(node: Node): ByteSet | undefined {
  if (node.t === 'set') return node.set
  return node.t === 'char' ? charSet(node.code, node.fold) : undefined
}

/** Calls `visit` for the node and all nodes below it, parents first. */
export function walk(node: Node, visit: (node: Node) => void): void {
  visit(node)
  if ('items' in node) for (const item of node.items) walk(item, visit)
  else if ('item' in node) walk(node.item, visit)
}
