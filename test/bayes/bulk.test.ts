// Learning from folders of every kind.
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { learnPaths, readMails } from '../../bayes/bulk.js'
import { defaultSettings, Learner } from '../../bayes/index.js'
import { ham, spam } from './mails.js'

const folder = mkdtempSync(join(tmpdir(), 'hamd-bulk-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const line = 'From someone@offers.example  Mon Jul  6 10:00:00 2026\n'
mkdirSync(join(folder, 'maildir/cur'), { recursive: true })
mkdirSync(join(folder, 'maildir/new'))
mkdirSync(join(folder, 'maildir/tmp'))
mkdirSync(join(folder, 'maildir/.Sub/cur'), { recursive: true })
mkdirSync(join(folder, 'maildir/.Sub/new'))
writeFileSync(join(folder, 'maildir/cur/1:2,S'), ham(1))
writeFileSync(join(folder, 'maildir/new/2'), ham(2))
writeFileSync(join(folder, 'maildir/tmp/3'), ham(3))
writeFileSync(join(folder, 'maildir/.Sub/cur/4:2,'), ham(4))
const box = Array.from(
  { length: 50 },
  (_, i) => line + spam(i).toString('latin1') + '\nFrom here on nothing\n\n',
)
writeFileSync(join(folder, 'box'), box.join(''))
writeFileSync(join(folder, 'single'), spam(60))

test('a Maildir gives cur and new of all its folders, an mbox its mails, a file itself', () => {
  const names = [...readMails([join(folder, 'maildir')])].map((mail) => mail.name.slice(folder.length))
  assert.deepEqual(names, ['/maildir/.Sub/cur/4:2,', '/maildir/cur/1:2,S', '/maildir/new/2'])
  const mails = [...readMails([join(folder, 'box')])]
  assert.equal(mails.length, 50)
  assert.equal(Buffer.from(mails[49]!.raw).toString('latin1'), box[49])
  assert.deepEqual(Buffer.from([...readMails([join(folder, 'single')])][0]!.raw), spam(60))
})

test('an mbox larger than what is read at once keeps its mails apart', () => {
  const path = join(folder, 'large')
  const many = Array.from({ length: 4000 }, (_, i) => line + spam(i).toString('latin1') + '\n')
  writeFileSync(path, many.join(''))
  let n = 0
  for (const mail of readMails([path])) assert.equal(Buffer.from(mail.raw).toString('latin1'), many[n++])
  assert.equal(n, 4000)
})

test('counts say what became of each mail; a missing path is a problem, not an end', () => {
  const learner = Learner.open({ ...defaultSettings, scanRowsMax: 0 })
  const problems: string[] = []
  const options = { source: 'cli', onProblem: (name: string) => problems.push(name) }
  const paths = [join(folder, 'box'), join(folder, 'absent'), join(folder, 'single')]
  const first = learnPaths(learner, paths, { ...options, class: 'spam' })
  assert.deepEqual([first.mails, first.learned, first.known], [51, 51, 0])
  assert.deepEqual(problems, [join(folder, 'absent')])
  const again = learnPaths(learner, [join(folder, 'box')], { ...options, class: 'spam' })
  assert.deepEqual([again.learned, again.known], [0, 50])
  const forgotten = learnPaths(learner, paths, { ...options, class: 'forget' })
  assert.deepEqual([forgotten.forgotten, forgotten.unknown], [51, 0])
  assert.equal(learner.stats().tokens, 0)
  learner.close()
})
