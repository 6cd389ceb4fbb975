// The plan of the last start in the data folder: reading it back takes 20 ms, making it of all stock rules half a second. It counts only
// while the question is the same, the program is the same, and so is every byte of every file that was read for it.
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { deserialize, serialize } from 'node:v8'
import { listFiles } from '../rules/engine/files.js'
import type { Plan } from '../rules/engine/types.js'
import { programId } from './program.js'
import { packageRoot } from './root.js'
import type { RuleSources } from './ruling-aside.js'
import type { ByteString } from './types.js'

interface Saved {
  /** Question and program (keyOf). */
  readonly key: string
  /** Files in the order they were read, each with its digest; undefined = it could not be read. */
  readonly files: readonly (readonly [path: string, digest: string | undefined])[]
  readonly plan: Plan
}

function digestOf(bytes: Buffer | ByteString): string {
  const hash = createHash('sha256')
  return (typeof bytes === 'string' ? hash.update(bytes, 'latin1') : hash.update(bytes)).digest('base64')
}

/** The plan of the same question to the same files; undefined when there is none. */
export function readSavedPlan(cacheFile: string, sources: RuleSources): Plan | undefined {
  try {
    const saved = deserialize(readFileSync(cacheFile)) as Saved
    if (saved.key !== keyOf(sources)) return undefined
    return saved.files.every(([path, digest]) => digestNow(path) === digest) ? saved.plan : undefined
  } catch {
    // Absent, torn, of another Node: the rules themselves are still there.
    return undefined
  }
}

/** Made before the rules are read, so that a file that comes meanwhile counts as a change. */
export class PlanKeeper {
  private readonly key: string
  private readonly files: (readonly [string, string | undefined])[] = []

  constructor(
    private readonly cacheFile: string,
    sources: RuleSources,
  ) {
    this.key = keyOf(sources)
  }

  readonly onFile = (path: string, text: ByteString | undefined): void => {
    this.files.push([path, text === undefined ? undefined : digestOf(text)])
  }

  /** A folder that cannot be written costs the next start half a second, nothing else. */
  save(plan: Plan): void {
    try {
      mkdirSync(dirname(this.cacheFile), { recursive: true })
      const aside = `${this.cacheFile}.${process.pid}`
      writeFileSync(aside, serialize({ key: this.key, files: this.files, plan } satisfies Saved))
      renameSync(aside, this.cacheFile)
    } catch {
      // The automata beside it are saved with a warning in the log; one is enough.
    }
  }
}

function digestNow(path: string): string | undefined {
  try {
    return digestOf(readFileSync(path))
  } catch {
    return undefined
  }
}

function keyOf(sources: RuleSources): string {
  const paths = [...(sources.builtin ? [join(packageRoot, 'rules')] : []), ...sources.paths]
  return JSON.stringify([programId(), sources, paths.map(listFiles)])
}
