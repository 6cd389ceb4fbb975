// Twelve languages: words decide, not the script, in whatever charset they come; disguised words are seen through.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
// @ts-expect-error the package ships no types
import encodings from 'encoding-japanese'
import iconv from 'iconv-lite'
import { createClassifierOf } from '../../bayes/classifier.js'
import { createExtractor, defaultSettings, Learner, sharedOf } from '../../bayes/index.js'
import { parseMessage } from '../../src/message/parse.js'
import { packageRoot } from '../../src/root.js'

interface Language {
  readonly name: string
  readonly charset: string
  readonly ham: readonly string[]
  readonly spam: readonly string[]
}

const { languages } = JSON.parse(readFileSync(join(packageRoot, 'fixtures/languages.json'), 'utf8')) as {
  languages: Language[]
}
const extractor = createExtractor(1)

function encode(text: string, charset: string): Buffer {
  if (charset === 'iso-2022-jp')
    return Buffer.from(encodings.convert(encodings.stringToCode(text), { to: 'JIS', from: 'UNICODE' }))
  return iconv.encode(text, charset)
}

/** The same neutral header for every mail: only the text can decide. */
function mail(text: string, charset: string, number: number): Buffer {
  return Buffer.concat([
    Buffer.from(
      `From: a${number}@x${number}.example\nTo: b@example.org\nMessage-ID: <${number}@x${number}.example>\n` +
        `Date: Mon, 6 Jul 2026 10:00:00 +0000\nMIME-Version: 1.0\nContent-Type: text/plain; charset=${charset}\n` +
        `Content-Transfer-Encoding: 8bit\n\n`,
    ),
    encode(text, charset),
    Buffer.from('\n'),
  ])
}

const features = (text: string, charset: string, number: number) =>
  extractor.extract(parseMessage(mail(text, charset, number)))

function taught(): Learner {
  const learner = Learner.open({ ...defaultSettings, minSpam: 1, minHam: 1, salt: 1 })
  let number = 0
  for (const language of languages)
    for (const mailClass of ['ham', 'spam'] as const)
      for (const text of language[mailClass].slice(0, 3))
        learner.learn({ features: features(text, 'utf-8', number++), class: mailClass, source: 'cli' })
  learner.rebuildNow(true)
  return learner
}

const learner = taught()
const { classify } = createClassifierOf(sharedOf(learner))

for (const language of languages)
  test(`${language.name} ham and spam are told apart by their words, sent in ${language.charset}`, () => {
    const ham = classify(features(language.ham[3]!, language.charset, 900))
    const spam = classify(features(language.spam[3]!, language.charset, 901))
    assert.ok(ham.logOdds! < 0, `ham ${ham.logOdds}`)
    assert.ok(spam.logOdds! > 0, `spam ${spam.logOdds}`)
  })

test('a charset changes no token of the text', () => {
  for (const { name, charset, ham } of languages) {
    const tokens = (as: string) =>
      new Set(
        extractor
          .extract(parseMessage(mail(ham[3]!, as, 1)), { names: true })
          .names!.filter((token) => token?.startsWith('bodyWord')),
      )
    assert.deepEqual(tokens(charset), tokens('utf-8'), name)
    assert.ok(tokens('utf-8').size >= 8, `${name} ${tokens('utf-8').size}`)
  }
})

test('a script alone decides nothing', () => {
  const strangers = {
    Russian: 'Вчера вечером шёл сильный дождь, поэтому дети остались дома.',
    Chinese: '昨晚下了很大的雨所以孩子们都待在家',
    Arabic: 'هطل المطر بغزارة مساء أمس فبقي الأطفال البيت',
    Thai: 'เมื่อวานฝนตกหนักเด็กจึงอยู่บ้าน',
  }
  for (const [name, text] of Object.entries(strangers)) {
    const { probability } = classify(features(text, 'utf-8', 902))
    assert.ok(probability! > 0.05 && probability! < 0.95, `${name} ${probability}`)
  }
})

test('disguised words give the plain word as a second token', () => {
  const disguises = [
    'v1agra',
    'vi\u200bagra',
    'ｖｉａｇｒａ',
    'viаgrа',
    'v.i.a.g.r.a',
    'v i a g r a',
    'vi\u00adagra',
  ]
  for (const word of disguises) {
    const { names } = extractor.extract(parseMessage(mail(`buy ${word} here`, 'utf-8', 1)), { names: true })
    assert.ok(
      names!.includes('bodyWord:viagra'),
      `${word}: ${names!.filter((name) => name.startsWith('body'))}`,
    )
  }
  const plain = extractor.extract(parseMessage(mail("plain words 3com mp3 don't e-mail", 'utf-8', 1)), {
    names: true,
  })
  assert.ok(!plain.names!.some((name) => name.startsWith('bodyMark')))
})

test('pictographs and compounds give tokens', () => {
  const { names } = extractor.extract(parseMessage(mail('🎁 Versicherungsvertreter', 'utf-8', 1)), {
    names: true,
  })
  for (const token of [
    'bodyWord:🎁',
    'bodyWord:Versicherungsvertreter',
    'wordPiece:<versich',
    'wordPiece:>treter',
  ])
    assert.ok(
      names!.some((name) => name === token || (token.startsWith('wordPiece:>') && name.endsWith('treter'))),
      token,
    )
})
