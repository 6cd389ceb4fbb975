// The worst padding: the sender knows which words the victim's ham has and its spam lacks, and appends 200 of them to each mail.
import { readFileSync } from 'node:fs'
import type { LabelledMail } from '../../bayes/evaluate.js'
import { createRandom } from '../../bayes/random.js'
import { parseMessage } from '../../src/message/parse.js'

function words(raw: Buffer): Set<string> {
  const found = new Set<string>()
  for (const part of parseMessage(raw).parts)
    if (part.type.startsWith('text/'))
      for (const [word] of part.decoded().matchAll(/\b[A-Za-z]{3,15}\b/g)) found.add(word)
  return found
}

/** The 600 words that speak most for ham in the training half. */
export function hamWords(mails: readonly LabelledMail[]): string[] {
  const counts = new Map<string, [ham: number, spam: number]>()
  let ham = 0
  let spam = 0
  for (const mail of mails) {
    mail.isSpam ? spam++ : ham++
    for (const word of words(readFileSync(mail.path))) {
      const count = counts.get(word) ?? [0, 0]
      count[mail.isSpam ? 1 : 0]++
      counts.set(word, count)
    }
  }
  return [...counts]
    .filter(([, count]) => count[0] >= 20)
    .map(
      ([word, count]) =>
        [word, Math.log((count[0] + 0.1) / ham) - Math.log((count[1] + 0.1) / spam)] as const,
    )
    .sort((a, b) => b[1] - a[1])
    .slice(0, 600)
    .map(([word]) => word)
}

/** A mail with 200 ham words at its end: a part of its own in a multipart, else more text. */
export function pad(raw: Buffer, vocabulary: readonly string[], seed: number): Buffer {
  const random = createRandom(seed)
  const text = Array.from({ length: 200 }, () => vocabulary[Math.floor(random() * vocabulary.length)]!).join(
    ' ',
  )
  const mail = raw.toString('latin1')
  const split = /\r?\n\r?\n/.exec(mail)
  const head = split ? mail.slice(0, split.index) : mail
  const body = split ? mail.slice(split.index + split[0].length) : ''
  const boundary = /boundary="?([^"\n;]+)/i.exec(head)?.[1]?.trim()
  if (boundary !== undefined) {
    const at = mail.indexOf('--' + boundary, head.length)
    if (at >= 0)
      return Buffer.from(
        `${mail.slice(0, at)}--${boundary}\nContent-Type: text/plain\n\n${text}\n${mail.slice(at)}`,
        'latin1',
      )
  }
  if (/content-transfer-encoding:\s*base64/i.test(head))
    return Buffer.from(`${head}\n\n${body}${Buffer.from(`\n${text}\n`).toString('base64')}\n`, 'latin1')
  return Buffer.from(`${mail}\n${text}\n`, 'latin1')
}
