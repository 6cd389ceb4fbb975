// Which charsets a reader's languages (ok_locales) explain. 'all', the default, explains every one.

import { setting } from '../../rules/engine/settings.js'
import type { Settings } from '../../rules/engine/types.js'
import { derived } from './growing.js'

const cyrillic = 'KOI8R KOI8U KOI8T ISOIR111 CP1251 GEORGIANPS PT154 CP866'
const chineseTraditional = 'BIG5HKSCS BIG5 EUCTW'
const chineseSimplified = 'GB1988 GB2312 GB231219800 GB18030 GBK ISO2022CN'
const japanese =
  'EUCJP JISX020119760 JISX020819830 JISX020819900 JISX020819970 JISX021219900 JISX021320001 JISX021320002 ' +
  'SHIFT_JIS SHIFTJIS ISO2022JP SJIS JIS7 JISX0201 JISX0208 JISX0212'

/** Charset names, upper case without punctuation, that are usual for a language. */
const charsets: ReadonlyMap<string, ReadonlySet<string>> = new Map(
  (
    [
      ['ja', japanese],
      ['ko', 'EUCKR KSC56011987'],
      ...['ru', 'ka', 'tg', 'be', 'uk', 'bg'].map((language) => [language, cyrillic] as const),
      ['th', 'TIS620'],
      ['zh', `${chineseSimplified} ${chineseTraditional}`],
      ['zh.big5', chineseTraditional],
      ['zh.gb2312', chineseSimplified],
    ] as const
  ).map(([locale, names]) => [locale, new Set(names.split(' '))] as const),
)

const everywhere =
  /^(?:(?:US)?ASCII$|ISO8859|ISO10646|UTF|UCS|CP125|WINDOWS|IBM852$|UNICODE11UTF[78]|XUNKNOWN$|ISO$)/

/** Locales whose charsets are welcome; undefined = all. */
export function okLocales(settings: Settings): readonly string[] | undefined {
  const locales = localesOf(settings)
  return locales.includes('all') ? undefined : locales
}

const localesOf = derived((settings: Settings): readonly string[] =>
  setting<string>(settings, 'ok_locales').split(/\s+/),
)

export function isCharsetOk(charset: string, locales: readonly string[]): boolean {
  const name = charset
    .toUpperCase()
    .replace(/[^A-Z0-9]/g, '')
    .replace(/^3D/, '')
  if (everywhere.test(name)) return true
  // zh_TW.Big5 and the like count as their language.
  return locales.some((locale) => charsets.get(locale.replace(/^([a-z][a-z]).*$/, '$1'))?.has(name) ?? false)
}
