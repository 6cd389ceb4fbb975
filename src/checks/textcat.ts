// TextCat: guesses the language of a text from its letter groups, by comparison with the models that SpamAssassin's package installs
// (file `languages`). hamd has no models of its own: where that file is absent, nothing is guessed and nothing hits.
import { readFileSync, statSync } from 'node:fs'
import { numberDirective, stringDirective } from '../../rules/engine/directive.js'
import { setting } from '../../rules/engine/settings.js'
import type { EvalContext, Plugin, Settings } from '../../rules/engine/types.js'
import type { ByteString } from '../types.js'
import { once } from './once.js'
import { words } from './text.js'

interface Model {
  /** 'en', 'zh.big5', 'ru.koi8-r' ... */
  readonly language: string
  /** Letter group -> rank among the most frequent ones, from 1. */
  readonly ranks: ReadonlyMap<string, number>
}

const languageFileBytesMax = 16 * 1024 * 1024
const loaded = new Map<string, { readonly stamp: string; readonly models: readonly Model[] }>()

/** Groups stand one a line, most frequent first; a line `0 NAME` ends the model of that language. */
function readModels(path: string): readonly Model[] {
  const models: Model[] = []
  let ranks = new Map<string, number>()
  for (const line of readFileSync(path, 'latin1').split('\n')) {
    const name = /^0 (.+)$/.exec(line)
    if (!name) ranks.set(line, ranks.size + 1)
    else {
      models.push({ language: name[1]!, ranks })
      ranks = new Map()
    }
  }
  return models
}

/** Read again when the file is another: a scan thread outlives reloads. */
function modelsOf(settings: Settings): readonly Model[] {
  const path = setting<string>(settings, 'hamd_languages_file')
  const status = statSync(path, { throwIfNoEntry: false })
  if (!status?.isFile() || status.size > languageFileBytesMax) return []
  const stamp = `${status.size} ${status.mtimeMs}`
  const known = loaded.get(path)
  if (known?.stamp === stamp) return known.models
  const models = readModels(path)
  loaded.set(path, { stamp, models })
  return models
}

/** Text that is looked at before addresses and links are taken out, and after. */
const textCharsMax = 200_000
const sampleCharsMax = 10_000
/** Shorter texts say too little. */
const sampleCharsMin = 256

/** Text without addresses and links, as bytes: so SpamAssassin's models were made. */
function sampleText(lines: readonly ByteString[]): ByteString {
  return lines
    .join('\n')
    .slice(0, textCharsMax)
    .replace(/^(?:[a-z]{2,12}:[\t-\r ]*){1,10}/i, '')
    .replace(/https?(?::\/\/|:&#x2F;&#x2F;|%3A%2F%2F)[^\t-\r ]{1,1024}/g, ' ')
    .replace(/[^\t-\r ]{1,64}?@[a-zA-Z][^\t-\r ]{1,128}/g, ' ')
    .replace(/\bwww\.[^\t-\r ]{1,128}/g, ' ')
    .slice(0, sampleCharsMax)
}

const separator = /[0-9\t-\r \-!"#$%&()*+,./:;<=>?@[\\\]^_`{|}~]+/
const groupCharsMax = 5

/** Letter groups of the text, most frequent first; equal ones in byte order. */
function groupsOf(text: ByteString, least: number, most: number): ByteString[] {
  const counts = new Map<string, number>()
  for (const word of text.split(separator)) {
    if (word === '') continue
    const bytes = `\0${fold(word)}\0`
    for (let start = 0; start < bytes.length; start++) {
      const longest = Math.min(groupCharsMax, bytes.length - start)
      for (let length = 1; length <= longest; length++) {
        const group = bytes.slice(start, start + length)
        counts.set(group, (counts.get(group) ?? 0) + 1)
      }
    }
  }
  return [...counts]
    .filter(([, count]) => least === 0 || count > least)
    .sort(([a, countA], [b, countB]) => countB - countA || (a < b ? -1 : 1))
    .slice(0, most)
    .map(([group]) => group)
}

/** Latin-1 letters; short words keep their capitals, they are mostly abbreviations. */
function fold(word: ByteString): ByteString {
  if (!/[A-Z]/.test(word) || !/[a-zA-Z\xc0-\xd6\xd8-\xde\xe0-\xf6\xf8-\xfe]{4}/.test(word)) return word
  return word.replace(/[A-Z\xc0-\xd6\xd8-\xde]/g, (char) => String.fromCharCode(char.charCodeAt(0) + 32))
}

interface Guess {
  /** Best first; empty when the text is short or too many languages fit. */
  readonly languages: readonly string[]
  readonly sampleChars: number
}

const guess = once((scan, context: EvalContext): Guess => {
  const text = sampleText(scan.views.text.body)
  const models = modelsOf(context.settings)
  const tooShort = text.length < sampleCharsMin || models.length === 0
  const languages = tooShort ? [] : classify(context, models, text)
  context.tag('LANGUAGES', languages.join(' '))
  return { languages, sampleChars: text.length }
})

function classify(context: EvalContext, models: readonly Model[], text: ByteString): readonly string[] {
  const { settings } = context
  const number = (name: string) => setting<number>(settings, name)
  const most = number('textcat_max_ngrams')
  const groups = groupsOf(text, number('textcat_optimal_ngrams'), most)
  const skipped = new Set(words(setting<string>(settings, 'inactive_languages')))
  for (const wanted of words(setting<string>(settings, 'ok_languages'))) skipped.delete(wanted)
  const distances = new Map<string, number>()
  for (const { language, ranks } of models) {
    const short = language.replace(/\..*/, '')
    if (skipped.has(short)) continue
    let distance = 0
    groups.forEach((group, index) => {
      const rank = ranks.get(group)
      distance += rank === undefined ? most : Math.abs(rank - index)
    })
    const name = language.includes('.utf8') ? short : language
    if (distance < (distances.get(name) ?? Number.POSITIVE_INFINITY)) distances.set(name, distance)
  }
  const ordered = [...distances].sort(([, a], [, b]) => a - b)
  const best = ordered[0]?.[1] ?? 0
  context.tag(
    'TEXTCATRESULTS',
    ordered
      .slice(0, 20)
      .map(([name, distance]) => `${name}:${distance}(${best ? (distance / best).toFixed(2) : 'unknown'})`)
      .join(' '),
  )
  const near = ordered.filter(
    ([, distance], index) => index === 0 || distance < number('textcat_acceptable_score') * best,
  )
  return near.length > number('textcat_max_languages') ? [] : near.map(([name]) => name)
}

/** Scots is taken for English in all but long texts. */
function confusable(language: string, { languages, sampleChars }: Guess): string {
  return language === 'sco' && sampleChars < 1024 * languages.length ? 'en' : language
}

/** Languages usually written with many bytes above 127. */
const eightBitLanguages =
  /^(?:am|ar|be|bg|cs|el|et|fa|fi|he|hi|hy|is|ja|ka|ko|mr|pt|ru|ta|th|tr|uk|vi|yi|zh)$/

export const textCat: Plugin = {
  name: 'TextCat',
  directives: [
    stringDirective('ok_languages', 'all'),
    stringDirective('inactive_languages', 'bs cy eo et eu fy ga gd is la lt lv rm sa sco sl yi'),
    numberDirective('textcat_max_languages', 3),
    numberDirective('textcat_optimal_ngrams', 0),
    numberDirective('textcat_max_ngrams', 400),
    numberDirective('textcat_acceptable_score', 1.02),
    stringDirective('hamd_languages_file', '/usr/share/spamassassin/languages', { scope: 'admin' }),
  ],
  evals: {
    check_language(context) {
      const wanted = words(setting<string>(context.settings, 'ok_languages'))
      if (wanted.includes('all')) return false
      const found = guess(context.scan, context)
      if (found.languages.length === 0) return false
      const welcome = new Set(wanted.map((language) => confusable(language, found)))
      const bare = found.languages.map((language) => confusable(language.replace(/\..*/, ''), found))
      if (bare.some((language) => welcome.has(language))) return false
      context.detail(`Languages detected: ${bare.join(' ')}`)
      return true
    },
    check_body_8bits({ scan, settings }) {
      const wanted = words(setting<string>(settings, 'ok_languages'))
      if (modelsOf(settings).length === 0 || wanted.includes('all')) return false
      if (wanted.some((language) => eightBitLanguages.test(language))) return false
      return scan.views.text.body.some((line) => /[\x80-\xff]{8}/.test(line))
    },
  },
}
