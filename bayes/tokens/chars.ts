// What the scanners need to know of a character: a class for every UTF-16 unit, and which letters look like which. In: nothing.
// Out: `classOf`, a table of 65,536 classes, and `skeleton`, the plain-letter form of a disguised word.

/** Ends a word. */
export const separator = 0
/** Letter or digit that starts and continues a word. */
export const letter = 1
/** Continues a word but neither starts nor ends it: . ' - @ */
export const joint = 2
/** Continues and may end a word, but does not start it: % ! */
export const tail = 3
/** Script written without blanks, or with short syllable words: Thai, Han, Kana, Hangul. Cut into overlapping pairs. */
export const pairScript = 4
/** Not seen by the reader: zero-width characters, soft hyphen, Arabic and Hebrew vowel points. Left out of the word. */
export const unseen = 5
/** One token by itself: pictographs, arrows, dingbats. */
export const symbol = 6
/** First half of a surrogate pair. */
export const surrogate = 7

/** Script of a letter as far as look-alikes matter. */
export const latin = 1
export const greek = 2
export const cyrillic = 4
export const digit = 8
/** Fullwidth and other compatibility forms that NFKC folds to plain letters. */
export const compatibility = 16
export const hidden = 32
export const leetSymbol = 64

/** Every character of the base plane at its place, NUL in the places of surrogates. */
function makeBasePlane(): string {
  const units = new Uint16Array(65536)
  for (let unit = 0; unit < 65536; unit++) units[unit] = unit
  units.fill(0, 0xd800, 0xe000)
  return Buffer.from(units.buffer).toString('utf16le')
}

/** Writes a value wherever a run of characters is found. Asked one by one, 65,536 characters cost every thread 25 ms at its start. */
function mark(table: Uint8Array, basePlane: string, runs: RegExp, value: number): void {
  for (const { index, 0: run } of basePlane.matchAll(runs)) table.fill(value, index, index + run.length)
}

const invisible = /(?:\p{Cf}|\u034f|\u0640|\u0670|[\u0591-\u05c7]|[\u0610-\u061a]|[\u064b-\u065f])+/gu
const pairs =
  '[\\u0e00-\\u0e7f\\u0e80-\\u0eff\\u1000-\\u109f\\u1780-\\u17ff\\u3040-\\u30ff\\u3400-\\u9fff\\uac00-\\ud7af\\uf900-\\ufaff]'

/** Where two classes fit, the later one holds. */
function buildClasses(basePlane: string): Uint8Array {
  const classes = new Uint8Array(65536)
  mark(classes, basePlane, /[\p{So}\p{Sm}\p{Sk}]+/gu, symbol)
  classes.fill(separator, 0, 0x2190)
  mark(classes, basePlane, /[\p{L}\p{N}\p{M}]+/gu, letter)
  mark(classes, basePlane, new RegExp(`${pairs}+`, 'g'), separator)
  mark(classes, basePlane, new RegExp(`(?:(?=${pairs})[\\p{L}\\p{N}\\p{M}])+`, 'gu'), pairScript)
  mark(classes, basePlane, invisible, unseen)
  classes.fill(surrogate, 0xd800, 0xdc00)
  for (const char of '_$€£¥') classes[char.charCodeAt(0)] = letter
  for (const char of ".'’-@") classes[char.charCodeAt(0)] = joint
  for (const char of '%!') classes[char.charCodeAt(0)] = tail
  return classes
}

function buildScripts(basePlane: string): Uint8Array {
  const scripts = new Uint8Array(65536)
  mark(scripts, basePlane, /\p{Script=Latin}+/gu, latin)
  scripts.fill(0, 0x250, 0x1e00)
  scripts.fill(0, 0x1f00)
  scripts.fill(digit, 0x30, 0x3a)
  scripts.fill(greek, 0x370, 0x400)
  scripts.fill(cyrillic, 0x400, 0x530)
  scripts.fill(compatibility, 0x2460, 0x2500)
  scripts.fill(compatibility, 0xff10, 0xff5b)
  for (const { index, 0: run } of basePlane.matchAll(invisible))
    if (index < 0x590 || index >= 0x2000) scripts.fill(hidden, index, index + run.length)
  for (const char of '@$!') scripts[char.charCodeAt(0)] = leetSymbol
  return scripts
}

function buildTables(): { readonly classes: Uint8Array; readonly scripts: Uint8Array } {
  const basePlane = makeBasePlane()
  return { classes: buildClasses(basePlane), scripts: buildScripts(basePlane) }
}

const tables = buildTables()
/** Class of every UTF-16 unit. */
export const classOf = tables.classes
/** Bits above for every UTF-16 unit; 0 for what cannot be part of a disguise. */
export const scriptOf = tables.scripts

/** Letters of other scripts that readers take for the Latin one beside them. */
const lookAlikes: ReadonlyMap<string, string> = new Map(
  Object.entries({
    а: 'a',
    в: 'b',
    с: 'c',
    ԁ: 'd',
    е: 'e',
    ё: 'e',
    г: 'r',
    һ: 'h',
    н: 'h',
    і: 'i',
    ї: 'i',
    ј: 'j',
    к: 'k',
    ӏ: 'l',
    м: 'm',
    п: 'n',
    о: 'o',
    р: 'p',
    ԛ: 'q',
    ѕ: 's',
    т: 't',
    у: 'y',
    ѵ: 'v',
    ԝ: 'w',
    х: 'x',
    и: 'u',
    α: 'a',
    β: 'b',
    ϲ: 'c',
    ε: 'e',
    η: 'n',
    ι: 'i',
    κ: 'k',
    ν: 'v',
    ο: 'o',
    ρ: 'p',
    τ: 't',
    υ: 'u',
    χ: 'x',
    ω: 'w',
    γ: 'y',
    σ: 'o',
  }),
)

/** Digits and signs that stand for a letter when letters surround them. */
const leet: ReadonlyMap<string, string> = new Map(
  Object.entries({ '0': 'o', '1': 'i', '3': 'e', '4': 'a', '5': 's', '7': 't', '@': 'a', $: 's', '!': 'i' }),
)

/** What a character of a word stands for, '' when it is only there to part letters. */
function plainOf(char: string): string {
  const unit = char.charCodeAt(0)
  if (classOf[unit] === unseen || (unit >= 0x300 && unit < 0x370)) return ''
  if (char === '.' || char === '-' || char === "'" || char === '’' || char === '_') return ''
  return lookAlikes.get(char) ?? leet.get(char) ?? char
}

/** The same for ASCII, by unit. */
const plainAscii: readonly string[] = Array.from({ length: 128 }, (_, unit) =>
  plainOf(String.fromCharCode(unit).toLowerCase()),
)

/** The plain lower-case word a reader sees in a disguised one: 'v1аgrа' with Cyrillic letters gives 'viagra'. */
export function skeleton(word: string): string {
  let plain = ''
  for (let at = 0; at < word.length; at++) {
    const unit = word.charCodeAt(at)
    if (unit >= 128) return skeletonBeyondAscii(word)
    plain += plainAscii[unit]!
  }
  return plain
}

function skeletonBeyondAscii(word: string): string {
  let plain = ''
  for (const char of word.normalize('NFKD').toLowerCase()) plain += plainOf(char)
  return plain
}
