// The installed SpamAssassin as the oracle of network rules: all questions go to one resolver of the test, hits and subtests come back.
import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { packageRoot } from '../../src/root.js'

/** Where SpamAssassin finds its rules: stock ones, then the site's with its .pre files. */
export const stockSources = ['/usr/share/spamassassin', '/etc/spamassassin']

/** Without these modules SpamAssassin checks no SPF and no DMARC. */
export function hasPerlModule(name: string): boolean {
  return spawnSync('perl', [`-M${name}`, '-e', '1'], { stdio: 'ignore' }).status === 0
}

/** Names of hits and subtests of each mail, in order. */
export async function scanWithSpamAssassin(
  mails: readonly string[],
  options: { readonly dnsPort: number; readonly cfLines: string },
): Promise<readonly ReadonlySet<string>[]> {
  const folder = mkdtempSync(join(tmpdir(), 'hamd-sa-'))
  try {
    const home = join(folder, 'home')
    mkdirSync(home)
    const config = join(folder, 'test.cf')
    writeFileSync(config, options.cfLines)
    const files = mails.map((mail, index) => {
      const file = join(folder, `${index}.eml`)
      writeFileSync(file, mail, 'latin1')
      return file
    })
    const env = {
      ...process.env,
      HOME: home,
      RES_NAMESERVERS: '127.0.0.1',
      RES_OPTIONS: `port:${options.dnsPort}`,
    }
    const script = join(packageRoot, 'test', 'support', 'sa-hits.pl')
    const child = spawn('perl', [script, String(options.dnsPort), config, ...files], {
      env,
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    let output = ''
    child.stdout.setEncoding('latin1')
    child.stdout.on('data', (text: string) => {
      output += text
    })
    const code = await new Promise((resolve) => child.once('close', resolve))
    const lines = output.trim().split('\n')
    if (code !== 0 || lines.length !== mails.length)
      throw new Error(`SpamAssassin ended with ${code}: ${output}`)
    return lines.map((line) => new Set((line.split('\t')[1] ?? '').split(' ')))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
