// Mail addresses in running text, as the FreeMail plugin finds them: strict local parts, at most four labels before a known TLD.
// Found by walking outwards from each `@`, which is linear where a pattern would try every start.
import type { ByteString, Domains } from '../types.js'

export interface FoundEmail {
  readonly email: ByteString
  readonly start: number
  readonly end: number
}

const lettersAndDigits = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'

/** 1 at the codes of these characters. */
function codesOf(chars: string): Uint8Array {
  const codes = new Uint8Array(256)
  for (const char of chars) codes[char.charCodeAt(0)] = 1
  return codes
}

const wordCodes = codesOf(lettersAndDigits)
const labelCodes = codesOf(`${lettersAndDigits}-`)
const localCodes = codesOf(`${lettersAndDigits}!#$%&'*+/=?^_\`{|}~-`)
const localBytesMax = 64
const labelsMax = 4
/** Characters of one label. */
const labelBytesMax = 61

/** The character there is one of these; none is before the start and behind the end. */
function isOneOf(codes: Uint8Array, text: ByteString, at: number): boolean {
  return at >= 0 && at < text.length && codes[text.charCodeAt(at)] === 1
}

/** Start of the local part that ends before `at`: atoms with single dots between them, undefined when there is none. */
function localStart(text: ByteString, at: number, from: number): number | undefined {
  let start: number | undefined
  let index = at
  for (;;) {
    let atom = index
    while (atom > from && isOneOf(localCodes, text, atom - 1) && at - atom < localBytesMax + 1) atom--
    if (atom === index || at - atom > localBytesMax || isOneOf(localCodes, text, atom - 1)) return start
    start = atom
    if (atom - 1 <= from || text[atom - 1] !== '.') return start
    index = atom - 1
  }
}

/** End of the domain after `@`: the longest run of labels that a known TLD closes. */
function domainEnd(text: ByteString, from: number, domains: Domains): number | undefined {
  const starts: number[] = [from]
  let index = from
  let end: number | undefined
  while (starts.length <= labelsMax + 1) {
    const labelFrom = index
    while (isOneOf(labelCodes, text, index)) index++
    const label = text.slice(labelFrom, index)
    if (label === '') break
    // What closes the address may not go on with a dot and another label.
    const goesOn = text[index] === '.' && isOneOf(wordCodes, text, index + 1)
    if (starts.length > 1 && !goesOn && domains.isTld(label)) end = index
    if (text[index] !== '.' || label.length > labelBytesMax || label.startsWith('-') || label.endsWith('-'))
      break
    index++
    starts.push(index)
  }
  return end
}

export function* findEmails(text: ByteString, domains: Domains): Generator<FoundEmail> {
  let from = 0
  for (let at = text.indexOf('@'); at >= 0; at = text.indexOf('@', at + 1)) {
    const start = localStart(text, at, from)
    const end = start === undefined ? undefined : domainEnd(text, at + 1, domains)
    if (start === undefined || end === undefined) continue
    yield { email: text.slice(start, end), start, end }
    from = end
  }
}
