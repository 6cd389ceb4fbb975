// What the scanners of header fields and URIs need to know of a character. In: a text and a position. Out: bits. Characters beyond ASCII are
// looked up in Unicode once and remembered; those beyond the base plane are two units long and looked up each time.

/** Starts and continues a word of a display name: letters, digits, marks, _ $ and inside ' ’ . - % ! */
export const nameStart = 1
export const nameInside = 2
/** Starts and continues a word of an unstructured field: letters, digits, _ and inside . @ / - = */
export const wordStart = 4
export const wordInside = 8
/** ASCII: of the local part of an address; of a host name; letter or digit; digit. */
export const localPart = 16
export const hostPart = 32
export const alphanumeric = 64
export const decimal = 128
/** The character is a pair of surrogates. */
export const astral = 256
const known = 512

const bits = new Uint16Array(65536)

function lettersOf(char: string): number {
  if (/[\p{L}\p{N}]/u.test(char)) return known | nameStart | nameInside | wordStart | wordInside
  return /\p{M}/u.test(char) ? known | nameStart | nameInside : known
}

function asciiOf(char: string): number {
  const isDigit = char >= '0' && char <= '9'
  const isInWord = isDigit || (char >= 'a' && char <= 'z') || (char >= 'A' && char <= 'Z') || char === '_'
  let found = known
  if (isInWord) found |= nameStart | nameInside | wordStart | wordInside | localPart | hostPart
  if (isInWord && char !== '_') found |= alphanumeric
  if (isDigit) found |= decimal
  if (char === '$') found |= nameStart | nameInside
  if ("'.-%!".includes(char)) found |= nameInside
  if ('.@/-='.includes(char)) found |= wordInside
  if ('.+-='.includes(char)) found |= localPart
  if ('.-'.includes(char)) found |= hostPart
  return found
}

for (let unit = 0; unit < 128; unit++) bits[unit] = asciiOf(String.fromCharCode(unit))
bits['’'.charCodeAt(0)] = known | nameInside

/** Bits of the character at `at`. */
export function charAt(text: string, at: number): number {
  const unit = text.charCodeAt(at)
  return bits[unit]! || lookUp(text, at, unit)
}

function lookUp(text: string, at: number, unit: number): number {
  if ((unit & 0xfc00) === 0xd800 && (text.charCodeAt(at + 1) & 0xfc00) === 0xdc00)
    return lettersOf(text.slice(at, at + 2)) | astral
  // A lone half is remembered only when it is a second one: a first one may have its second elsewhere.
  const found = lettersOf(String.fromCharCode(unit))
  if ((unit & 0xfc00) !== 0xd800) bits[unit] = found
  return found
}

/** Units of the character whose bits these are. */
export function widthOf(found: number): number {
  return found & astral ? 2 : 1
}
