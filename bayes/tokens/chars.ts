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

function buildClasses(): Uint8Array {
  const classes = new Uint8Array(65536)
  const word = /[\p{L}\p{N}\p{M}]/u
  const pictograph = /[\p{So}\p{Sm}\p{Sk}]/u
  const pairs =
    /[\u0e00-\u0e7f\u0e80-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]/
  const invisible = /\p{Cf}|\u034f|\u0640|\u0670|[\u0591-\u05c7]|[\u0610-\u061a]|[\u064b-\u065f]/u
  for (let unit = 0; unit < 65536; unit++) {
    if (unit >= 0xd800 && unit <= 0xdbff) {
      classes[unit] = surrogate
      continue
    }
    if (unit >= 0xdc00 && unit <= 0xdfff) continue
    const char = String.fromCharCode(unit)
    if (invisible.test(char)) classes[unit] = unseen
    else if (pairs.test(char)) classes[unit] = word.test(char) ? pairScript : separator
    else if (word.test(char)) classes[unit] = letter
    else if (unit >= 0x2190 && pictograph.test(char)) classes[unit] = symbol
  }
  for (const char of '_$€£¥') classes[char.charCodeAt(0)] = letter
  for (const char of ".'’-@") classes[char.charCodeAt(0)] = joint
  for (const char of '%!') classes[char.charCodeAt(0)] = tail
  return classes
}

export const classOf: Uint8Array = buildClasses()

function buildScripts(): Uint8Array {
  const scripts = new Uint8Array(65536)
  const isLatin = /\p{Script=Latin}/u
  for (let unit = 0; unit < 65536; unit++) {
    if (unit >= 0xd800 && unit <= 0xdfff) continue
    if (unit >= 0x30 && unit <= 0x39) scripts[unit] = digit
    else if ((unit >= 0xff10 && unit <= 0xff5a) || (unit >= 0x2460 && unit <= 0x24ff))
      scripts[unit] = compatibility
    else if (unit < 0x250 || (unit >= 0x1e00 && unit < 0x1f00)) {
      if (isLatin.test(String.fromCharCode(unit))) scripts[unit] = latin
    } else if (unit >= 0x370 && unit < 0x400) scripts[unit] = greek
    else if (unit >= 0x400 && unit < 0x530) scripts[unit] = cyrillic
    if (classOf[unit] === unseen && (unit < 0x590 || unit >= 0x2000)) scripts[unit] = hidden
  }
  for (const char of '@$!') scripts[char.charCodeAt(0)] = leetSymbol
  return scripts
}

/** Bits above for every UTF-16 unit; 0 for what cannot be part of a disguise. */
export const scriptOf: Uint8Array = buildScripts()

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
