// The peer to beat, on the same mail in the same order: Debian's bogofilter with stock settings and an empty word list.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LabelledMail } from '../../bayes/evaluate.js'
import { type Judged, type Metrics, measure } from '../../bayes/metrics.js'

export function hasBogofilter(): boolean {
  return spawnSync('bogofilter', ['-V']).status === 0
}

export function runBogofilter(mails: readonly LabelledMail[], mode: 'online' | 'half'): Metrics {
  const folder = mkdtempSync(join(tmpdir(), 'hamd-bogofilter-'))
  const call = (...args: string[]): string =>
    spawnSync('bogofilter', ['-C', '-d', folder, ...args], { encoding: 'utf8' }).stdout ?? ''
  const teach = (mail: LabelledMail): void => void call(mail.isSpam ? '-s' : '-n', '-I', mail.path)
  const judged: Judged[] = []
  let taught = 0
  const judge = (mail: LabelledMail): void => {
    const answer = taught === 0 ? '' : call('-T', '-I', mail.path)
    const probability = Number(/[\d.]+(?:e[-+]\d+)?\s*$/.exec(answer)?.[0] ?? 0.52)
    const decision = answer.startsWith('S') ? 'spam' : answer.startsWith('H') ? 'ham' : 'unsure'
    judged.push({ score: probability, isSpam: mail.isSpam, decision })
  }
  for (const [position, mail] of mails.entries()) {
    if (mode === 'online') judge(mail)
    if (mode === 'online' || position % 2 === 0) {
      teach(mail)
      taught++
    }
  }
  if (mode === 'half') for (const [position, mail] of mails.entries()) if (position % 2 === 1) judge(mail)
  rmSync(folder, { recursive: true, force: true })
  return measure(judged)
}
