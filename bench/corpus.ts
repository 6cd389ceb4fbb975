// The messages of the SpamAssassin corpus as npm packages it, with their class. Bytes as stored.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from '../src/root.js'

export interface CorpusMessage {
  /** Path below the data folder, as the oracle files name it. */
  readonly path: string
  readonly spam: boolean
  read(): Buffer
}

const data = join(packageRoot, 'node_modules', '@stdlib', 'datasets-spam-assassin', 'data')
const folders = ['easy-ham-1', 'easy-ham-2', 'hard-ham-1', 'spam-1', 'spam-2']

/** @param every take each n-th message only. */
export function corpus(every = 1): CorpusMessage[] {
  const all = folders.flatMap((folder) =>
    readdirSync(join(data, folder))
      .filter((name) => name.endsWith('.txt'))
      .sort()
      .map((name) => ({
        path: `${folder}/${name}`,
        spam: folder.startsWith('spam'),
        read: () => readFileSync(join(data, folder, name)),
      })),
  )
  return all.filter((_, index) => index % every === 0)
}
