// Code blocks of the documentation, so that tests run a recipe as it is printed. And what recipes need around them.
import { chmodSync, mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { packageRoot } from '../../src/root.js'

export const gtube = ['XJS*C4JDBQADN1.NSBN3*2IDNEN*', 'GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL', '*C.34X'].join('')

/** A mail as a server receives it, LF. `header` lines come first. */
export function mailOf(body: string, header: readonly string[] = []): string {
  return [
    ...header,
    'From: Alice <alice@example.org>',
    'To: Bob <bob@example.net>',
    'Subject: Minutes of Tuesday',
    'Message-ID: <20260714100000.77@example.org>',
    'Date: Tue, 14 Jul 2026 10:00:00 +0000',
    '',
    body,
    '',
  ].join('\n')
}

/**
 * The code block number `index` below a heading of a documentation file.
 * @throws Error when there is none: the recipe and its test must not part.
 */
export function printedBlock(file: string, heading: string, index = 0): string {
  const text = readFileSync(join(packageRoot, file), 'utf8')
  const start = new RegExp(`^#+ ${heading.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}.*$`, 'm').exec(text)
  const section = start && text.slice(start.index + start[0].length).split(/^##+ /m, 1)[0]!
  const block = section && [...section.matchAll(/^```\w*\n([\s\S]*?)^```$/gm)][index]?.[1]
  if (!block) throw new Error(`${file} has no code block ${index} under ${heading}`)
  return block
}

/** A new folder that any account may enter: daemons drop their rights. */
export function openFolder(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `hamd-${name}-`))
  chmodSync(folder, 0o755)
  return folder
}

/** Waits until `look` returns something, at most 20 seconds. */
export async function until<T>(what: string, look: () => T | undefined | Promise<T | undefined>): Promise<T> {
  const end = Date.now() + 20_000
  for (;;) {
    const seen = await look()
    if (seen !== undefined) return seen
    if (Date.now() > end) throw new Error(`${what}: not seen within 20 s`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
