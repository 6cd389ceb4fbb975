// Learning from folders. In: paths of mails, mboxes, Maildirs, directories, lists of files. Out: counts of what became of each mail.
// One mbox is read piece by piece, so its size does not matter; a transaction holds a few hundred mails.
import { closeSync, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { messageBytesMax } from '../src/limits.js'
import { parseMessage } from '../src/message/parse.js'
import type { LearnOutcome, MailClass } from '../src/types.js'
import { createExtractor } from './features.js'
import type { Learner, Lesson } from './learner.js'

export interface FolderMail {
  /** File, with the number of the mail in an mbox. */
  readonly name: string
  readonly raw: Uint8Array
}

export interface BulkCounts {
  readonly mails: number
  readonly learned: number
  readonly relearned: number
  readonly known: number
  readonly forgotten: number
  readonly unknown: number
  readonly refused: number
  readonly failed: number
}

export interface BulkOptions {
  readonly class: MailClass | 'forget'
  readonly source: string
  readonly user?: string
  /** Called after each transaction. */
  readonly onProgress?: (counts: BulkCounts) => void
  /** Called for each mail that was refused or could not be read. */
  readonly onProblem?: (name: string, reason: string) => void
}

const batchMails = 200
const chunkBytes = 1 << 20

/** Learns or forgets every mail under the paths, then learns the weights afresh. */
export function learnPaths(learner: Learner, paths: readonly string[], options: BulkOptions): BulkCounts {
  return learnMails(learner, readMails(paths, options.onProblem), options)
}

export function learnMails(learner: Learner, mails: Iterable<FolderMail>, options: BulkOptions): BulkCounts {
  const counts = {
    mails: 0, learned: 0, relearned: 0, known: 0, forgotten: 0, unknown: 0, refused: 0, failed: 0,
  } // biome-ignore format: one line
  const extractor = createExtractor(learner.salt)
  const user = options.user === undefined ? {} : { user: options.user }
  let batch: { name: string; lesson: Lesson }[] = []
  const note = (name: string, outcome: LearnOutcome): void => {
    counts[outcome.status]++
    if (outcome.status === 'refused' || outcome.status === 'failed') options.onProblem?.(name, outcome.reason)
  }
  const flush = (): void => {
    const outcomes = learner.learnAll(
      batch.map(({ lesson }) => lesson),
      { weightsLater: true },
    )
    for (const [index, outcome] of outcomes.entries()) note(batch[index]!.name, outcome)
    batch = []
    options.onProgress?.(counts)
  }
  for (const { name, raw } of mails) {
    counts.mails++
    const features = extractor.extract(parseMessage(raw))
    if (options.class === 'forget') note(name, learner.forget(features.id, options.user ?? ''))
    else batch.push({ name, lesson: { features, class: options.class, source: options.source, ...user } })
    if (batch.length >= batchMails) flush()
  }
  flush()
  if (learner.wantsRebuild) learner.rebuildNow()
  return counts
}

/** Mails under the paths: a directory with cur and new is a Maildir, any other is searched; a file may be an mbox. */
export function* readMails(
  paths: Iterable<string>,
  onProblem?: (name: string, reason: string) => void,
): Generator<FolderMail> {
  for (const path of paths) {
    try {
      yield* statSync(path).isDirectory() ? readDirectory(path, onProblem) : readFile(path)
    } catch (error) {
      onProblem?.(path, error instanceof Error ? error.message : String(error))
    }
  }
}

/** Paths in a list of files, one a line (sa-learn -f). */
export function readFileList(file: string): string[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
}

function* readDirectory(
  folder: string,
  onProblem?: (name: string, reason: string) => void,
): Generator<FolderMail> {
  const names = readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))
  const isMaildir = names.some((entry) => entry.name === 'cur') && names.some((entry) => entry.name === 'new')
  const wanted = names.filter((entry) =>
    isMaildir
      ? entry.isDirectory() && (entry.name === 'cur' || entry.name === 'new' || entry.name.startsWith('.'))
      : !entry.name.startsWith('.'),
  )
  yield* readMails(
    wanted.map((entry) => join(folder, entry.name)),
    onProblem,
  )
}

const separator = Buffer.from('\nFrom ')
/** What a separator line of an mbox has and a sentence has not: a time of day and a year. */
const separatorLine = /^From \S+.* \d{1,2}:\d{2}(?::\d{2})? .*\d{4}|^From \S+.*\d{4} \d{1,2}:\d{2}/

function* readFile(path: string): Generator<FolderMail> {
  const { size } = statSync(path)
  if (size === 0) return
  const handle = openSync(path, 'r')
  try {
    let held: Buffer = Buffer.alloc(0)
    let number = 0
    let searched = 0
    for (;;) {
      const chunk = Buffer.allocUnsafe(Math.min(chunkBytes, size + 1))
      const length = readSync(handle, chunk, 0, chunk.length, null)
      held = held.length === 0 ? chunk.subarray(0, length) : Buffer.concat([held, chunk.subarray(0, length)])
      const isMbox = held.subarray(0, 5).equals(separator.subarray(1))
      for (
        let end = isMbox ? nextMail(held, searched, length === 0) : -1;
        end >= 0;
        end = nextMail(held, 0, length === 0)
      ) {
        yield { name: `${path}:${++number}`, raw: held.subarray(0, end) }
        held = held.subarray(end)
      }
      if (held.length > messageBytesMax) throw new Error(`a mail is larger than ${messageBytesMax} bytes`)
      searched = Math.max(0, held.length - 1024)
      if (length === 0) break
    }
    if (held.length > 0) yield { name: number === 0 ? path : `${path}:${number + 1}`, raw: held }
  } finally {
    closeSync(handle)
  }
}

/** Offset of the next separator line after a blank line, -1 when none is there yet. */
function nextMail(data: Buffer, from: number, isLast: boolean): number {
  for (let at = data.indexOf(separator, from); at >= 0; at = data.indexOf(separator, at + 1)) {
    const lineEnd = data.indexOf(0x0a, at + 1)
    if (lineEnd < 0 && !isLast) return -1
    const afterBlank = data[at - 1] === 0x0a || (data[at - 1] === 0x0d && data[at - 2] === 0x0a)
    if (
      afterBlank &&
      separatorLine.test(data.toString('latin1', at + 1, lineEnd < 0 ? data.length : lineEnd))
    )
      return at + 1
  }
  return -1
}
