// docs/migrating.md, as printed: all shell blocks of a way, in one shell, from the first to the last; only ports are put in.
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { packageRoot } from '../../src/root.js'
import { entry } from '../support/entry.js'
import { needs, runBeside } from '../support/peers.js'
import { freePort } from '../support/ports.js'
import { mailOf, openFolder } from '../support/recipe.js'

const text = readFileSync(join(packageRoot, 'docs', 'migrating.md'), 'utf8')

/** Shell blocks of one chapter. */
function shellOf(chapter: string): string {
  const body = text.split(`\n## ${chapter}\n`)[1]!.split(/\n## /, 1)[0]!
  return [...body.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map((match) => match[1]).join('')
}

async function follow(chapter: string, prepare: string) {
  const folder = openFolder('migrating')
  try {
    writeFileSync(
      join(folder, 'mail.eml'),
      mailOf('Hello Bob, the order of last week has arrived at the shop.'),
    )
    mkdirSync(join(folder, 'bin'))
    const program = `#!/bin/sh\nexec '${process.execPath}' '${entry}' "$@"\n`
    writeFileSync(join(folder, 'bin', 'hamd'), program, { mode: 0o755 })
    let lines = shellOf(chapter)
    for (const printed of new Set(lines.match(/\b(?:1783|1784|21333|21334|21335)\b/g)))
      lines = lines.replaceAll(printed, String(await freePort()))
    // Without DNS here; the look-ups of the printed commands are the only thing left out.
    lines = lines.replaceAll('hamd serve', 'hamd serve --local').replaceAll('hamd scan', 'hamd scan --local')
    const script = [
      'set -e',
      `cd '${folder}'`,
      `export HOME='${folder}' XDG_STATE_HOME='${folder}/state' STATE_DIRECTORY='${folder}/state/hamd'`,
      `export PATH='${folder}/bin':"$PATH"`,
      // A server that still writes while it ends would be in the way of removing the folder.
      "trap 'kill $(jobs -p) 2>/dev/null || true; wait' EXIT",
      prepare,
      lines,
    ].join('\n')
    return await runBeside('/bin/bash', ['-c', script])
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

describe('docs/migrating.md', () => {
  test('from SpamAssassin', needs('spamassassin', 'spamc', 'sa-learn', 'curl'), async () => {
    const { status, stdout, stderr } = await follow('From SpamAssassin', 'sa-learn --spam mail.eml')
    assert.equal(status, 0, stdout + stderr)
    assert.match(stdout, /Content analysis details/)
    assert.match(stdout, /"required_score":5/)
    assert.match(stdout, /^\d+\.\d+ +0 +1 +0 .*nspam|nspam/m)
  })
  test('from rspamd', needs('rspamc', 'curl'), async () => {
    const { status, stdout, stderr } = await follow('From rspamd', ':')
    assert.equal(status, 0, stdout + stderr)
    assert.match(stdout, /Action: no action/)
    assert.match(stdout, /Messages scanned: 1/)
    assert.match(stdout, /success = true/)
  })
})
