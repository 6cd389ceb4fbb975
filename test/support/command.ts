// One command of the compiled program, run to its end.
import { entry } from './entry.js'
import { type Ran, runBeside } from './peers.js'

/** One char of the output is one byte. `env` adds to the present one. */
export function hamd(
  args: readonly string[],
  options: { readonly input?: Uint8Array | string; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<Ran> {
  return runBeside(process.execPath, [entry, ...args], options.input, options.env)
}
