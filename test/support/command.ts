// One command of the compiled program, run to its end.
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Ran } from './peers.js'

const entry = fileURLToPath(new URL('../../src/cli/index.js', import.meta.url))

/** One char of the output is one byte. `env` adds to the present one. */
export function hamd(
  args: readonly string[],
  options: { readonly input?: Uint8Array | string; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [entry, ...args], { env: { ...process.env, ...options.env } })
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString('latin1')))
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString('latin1')))
    child.on('error', reject)
    child.on('close', (status) => resolve({ status, stdout, stderr }))
    child.stdin.on('error', () => {})
    child.stdin.end(options.input ?? '')
  })
}
