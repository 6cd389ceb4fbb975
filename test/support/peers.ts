// Real programs that tests run against. Without one a test is skipped by name with the command that installs it; with CI=true that is
// a failure (CONTRACT.md).
import { spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

const folders = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/sbin', '/usr/local/sbin']

/** Absolute path of a program, undefined when it is not installed. */
export function findProgram(name: string): string | undefined {
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path))
}

/** Exim as the peers script unpacks it. */
export function findExim(): string | undefined {
  const unpacked = join(process.env['HAMD_EXIM_DIR'] ?? '/opt/hamd-peers/exim', 'usr/sbin/exim4')
  return existsSync(unpacked) ? unpacked : findProgram('exim4')
}

/** Options of a test that needs programs: skipped with the remedy when one is missing, unless in CI. */
export function needs(...names: string[]): { skip?: string } {
  const missing = names.filter((name) => (name === 'exim4' ? findExim() : findProgram(name)) === undefined)
  if (missing.length === 0 || process.env['CI'] === 'true') return {}
  return { skip: `not installed: ${missing.join(', ')}; npm run peers installs it` }
}

/**
 * Options of a test that mounts something in a namespace of its own: containers often forbid that even to root, and no package helps, so
 * it is skipped there in CI too.
 */
export function needsMounts(...names: string[]): { skip?: string } {
  const missing = needs('unshare', ...names)
  if (missing.skip !== undefined) return missing
  const { status } = spawnSync('unshare', ['--mount', '--propagation', 'private', 'true'])
  return status === 0
    ? {}
    : { skip: 'mounting is not allowed here: run the tests as root outside of a container' }
}

export interface Ran {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs a program with bytes on its standard input. One char is one byte in what comes back. */
export function run(program: string, args: readonly string[], input: Uint8Array | string = ''): Ran {
  const done = spawnSync(program, args, { input, encoding: 'latin1', timeout: 60_000 })
  return { status: done.status, stdout: done.stdout ?? '', stderr: done.stderr ?? '' }
}

/** The same while this process goes on: for tests that serve what the program (or hamd behind it) asks. `env` adds to the present one. */
export function runBeside(
  program: string,
  args: readonly string[],
  input: Uint8Array | string = '',
  env: Readonly<Record<string, string>> = {},
): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { timeout: 60_000, env: { ...process.env, ...env } })
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString('latin1')))
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString('latin1')))
    child.on('error', reject)
    child.on('close', (status) => resolve({ status, stdout, stderr }))
    // A program may end before it has read everything.
    child.stdin.on('error', () => {})
    child.stdin.end(typeof input === 'string' ? Buffer.from(input, 'latin1') : input)
  })
}
