// Which charset wins, name by name and byte by byte; answers are those of Perl's Encode 3.19 and SpamAssassin 4.0.1.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { normalizeCharset, normalizeToOctets } from '../../../src/message/charset.js'
import { encodingName } from '../../../src/message/encoding-names.js'
import { decoderFor } from '../../../src/message/encodings.js'

test('names are those Encode knows, and no others', () => {
  const names: Readonly<Record<string, string | undefined>> = {
    utf_8: 'utf-8-strict',
    'utf-8 ': 'utf-8-strict',
    'wi ndows-1256': 'cp1256',
    'win-1251': undefined,
    'cp-1251': 'cp1251',
    iso8859_2: 'iso-8859-2',
    'latin 1': 'iso-8859-1',
    latin9: 'iso-8859-15',
    'tis-620': 'iso-8859-11',
    'ks_c_5601-1987': 'cp949',
    ks_c_5601: undefined,
    'x-sjis': 'shiftjis',
    'gb_2312-80': 'euc-cn',
    'hz-gb-2312': 'euc-cn',
    'iso-8859-8-i': undefined,
    'x-mac-cyrillic': 'maccyrillic',
    '': undefined,
  }
  for (const [name, expected] of Object.entries(names)) assert.equal(encodingName(name), expected, name)
})

test('valid UTF-8 wins over what is declared', () => {
  assert.deepEqual(normalizeCharset('\xc3\xa9', 'koi8-r'), { text: 'é', wide: true, decoded: true })
})

test('one byte that fits nowhere turns the text into Windows-1252', () => {
  assert.equal(normalizeCharset('caf\xe9 \x95', 'utf-8').text, 'café \u2022')
  assert.equal(normalizeCharset('\xb0\xa1\xff', 'gb2312').text, '°¡ÿ')
})

test('ASCII stays bytes under an ASCII charset and becomes wide under another', () => {
  assert.equal(normalizeCharset('abc', 'iso-8859-5').wide, false)
  assert.equal(normalizeCharset('abc', 'iso-2022-jp').wide, true)
})

test('East Asian tables are those of Encode', () => {
  const samples: readonly (readonly [string, string, string | undefined])[] = [
    ['euc-jp', '\xa1\xc1', '\u301c'],
    ['shift_jis', '\x81\x60', '\u301c'],
    ['cp932', '\x81\x60', '\uff5e'],
    ['gb2312', '\xa1\xa4', '\u30fb'],
    ['gb2312', '\x81\x40', undefined],
    ['gbk', '\x81\x40', '\u4e02'],
    ['euc-kr', '\xa2\xe6', '\u20ac'],
    ['euc-kr', '\x81\x41', undefined],
    ['cp949', '\x81\x41', '\uac02'],
    ['big5', '\xc6\xe7', '\u3041'],
    // A lead byte at the very end is dropped.
    ['euc-kr', 'a\xb0', 'a'],
  ]
  for (const [name, bytes, expected] of samples)
    assert.equal(decoderFor(name)?.(bytes, true), expected, `${name} ${bytes}`)
})

test('escape sequences of ISO-2022 switch tables, with and without the final reset', () => {
  assert.equal(normalizeCharset('\x1b$BF|K\\\x1b(B!', 'iso-2022-jp').text, '日本!')
  assert.equal(normalizeCharset('\x1b$BF|K\\', 'iso-2022-jp').text, '日本')
  assert.equal(normalizeCharset('\x1b$)C\x0eGQ19\x0f', 'iso-2022-kr').text, '한국')
  assert.equal(normalizeCharset('a~{VPND~}b', 'hz').text, 'a中文b')
})

test('encoded words obey their charset without strictness', () => {
  assert.equal(normalizeToOctets('caf\xe9', 'utf-8', true), 'caf\xef\xbf\xbd')
  assert.equal(normalizeToOctets('\xc3\xa9', 'iso-8859-1', true), '\xc3\x83\xc2\xa9')
})
