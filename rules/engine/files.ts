// Which files a path of rules stands for.
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}

/** A file itself, or the rule files of a folder. A path that does not exist is given back: reading it reports the problem. */
export function listFiles(path: string): string[] {
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) return [path]
  const names = readdirSync(path).sort(compareBytes)
  const ending = (pattern: RegExp) => names.filter((name) => pattern.test(name) && !name.startsWith('.'))
  return [...ending(/\.pre$/i), ...ending(/\.cf$/i)].map((name) => join(path, name))
}
