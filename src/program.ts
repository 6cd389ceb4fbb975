// Which program this is, down to a build between two releases: what is saved for the next start counts only under the same one.
import { createHash } from 'node:crypto'
import { readdirSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { builtFolder, version } from './root.js'

const runningFolder = basename(dirname(fileURLToPath(import.meta.url)))

/** Version, Node, and the compiled code that reads and compiles rules, by name, size and time: the bundle, or what tsc made of it. */
export function programId(): string {
  const hash = createHash('sha256').update(`${version} ${process.version}\n`)
  for (const folder of ['rules', runningFolder]) {
    for (const name of readdirSync(join(builtFolder, folder), { recursive: true, encoding: 'utf8' }).sort()) {
      if (!name.endsWith('.js')) continue
      const { size, mtimeMs } = statSync(join(builtFolder, folder, name))
      hash.update(`${folder}/${name} ${size} ${mtimeMs}\n`)
    }
  }
  return hash.digest('base64')
}
