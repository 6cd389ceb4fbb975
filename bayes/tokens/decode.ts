// From the bytes of a mail to Unicode text for the tokenizer. In: strings of one char per byte. Out: strings people would read.
// Rules see bytes; words of twelve languages need letters, so the learner decodes for itself. Never throws: what can't be decoded as
// declared is read as UTF-8 and, where that fails, as windows-1252.
import type { ByteString } from '../../src/types.js'

type Decoder = InstanceType<typeof TextDecoder>

const decoders = new Map<string, Decoder | undefined>()
/** Names of charsets come from senders; more different ones than this are not remembered. */
const decodersMax = 200

function decoderOf(charset: string): Decoder | undefined {
  if (decoders.has(charset)) return decoders.get(charset)
  let decoder: Decoder | undefined
  try {
    decoder = new TextDecoder(charset)
  } catch {
    decoder = undefined
  }
  if (decoders.size < decodersMax) decoders.set(charset, decoder)
  return decoder
}

const highByte = /[\x80-\xff]/
/** Charsets that write other letters with ASCII bytes. */
const shifted = /^(?:iso-2022|hz-gb|utf-?7|utf-?16|utf-?32|ucs)/

export function decodeText(bytes: ByteString, charset: string): string {
  const name = charset.toLowerCase().replace(/^["']|["']$/g, '')
  if (!highByte.test(bytes) && !shifted.test(name)) return bytes
  const raw = Buffer.from(bytes, 'latin1')
  if (name === '' || name === 'us-ascii' || name === 'ascii' || name.startsWith('utf-8') || name === 'utf8')
    return utf8OrLatin(raw)
  return decoderOf(name)?.decode(raw) ?? utf8OrLatin(raw)
}

function utf8OrLatin(raw: Buffer): string {
  const text = raw.toString('utf8')
  return text.includes('\ufffd') ? decoderOf('windows-1252')!.decode(raw) : text
}

function unquote(text: string): ByteString {
  return text
    .replace(/_/g, ' ')
    .replace(/=([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}

/** Value of a header field as people read it: unfolded, encoded words decoded, raw UTF-8 understood. */
export function decodeField(raw: ByteString): string {
  // Trimmed first: most fields are one line then.
  let value = raw.trim()
  if (value.includes('\n')) value = value.replace(/\r?\n[ \t]*/g, ' ')
  if (value.includes('=?')) {
    value = value
      .replace(/(\?=)\s+(?==\?)/g, '$1')
      .replace(
        /=\?([^?\s]{1,60})\?([bBqQ])\?([^?]*)\?=/g,
        (_, charset: string, encoding: string, text: string) =>
          decodeText(
            encoding === 'b' || encoding === 'B'
              ? Buffer.from(text, 'base64').toString('latin1')
              : unquote(text),
            charset.split('*')[0]!,
          ),
      )
    return value
  }
  return highByte.test(value) ? decodeText(value, '') : value
}

const entities: ReadonlyMap<string, string> = new Map(
  Object.entries({
    amp: '&', lt: '<', gt: '>', quot: '"', nbsp: ' ', apos: "'", copy: '©', reg: '®', eacute: 'é', egrave: 'è', agrave: 'à', ccedil: 'ç',
    auml: 'ä', ouml: 'ö', uuml: 'ü', Auml: 'Ä', Ouml: 'Ö', Uuml: 'Ü', szlig: 'ß', ntilde: 'ñ', oacute: 'ó', aacute: 'á', iacute: 'í',
    uacute: 'ú', euro: '€', pound: '£', yen: '¥', shy: '\u00ad', zwnj: '\u200c', zwj: '\u200d', ndash: '–', mdash: '—', hellip: '…',
    rsquo: '’', lsquo: '‘', ldquo: '“', rdquo: '”', bull: '•', middot: '·', trade: '™',
  }),
) // biome-ignore format: a table

/** Replaces character references; unknown ones stay as they are. */
export function decodeEntities(text: string): string {
  if (!text.includes('&')) return text
  return text.replace(/&(#[xX]?[0-9a-fA-F]{1,7}|[a-zA-Z]{2,8});?/g, (whole, name: string) => {
    if (name[0] !== '#') return entities.get(name) ?? whole
    const hex = name[1] === 'x' || name[1] === 'X'
    const code = hex ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1))
    return code > 0 && code < 0x110000 && !(code >= 0xd800 && code < 0xe000)
      ? String.fromCodePoint(code)
      : whole
  })
}
