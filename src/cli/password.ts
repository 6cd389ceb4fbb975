// `hamd password`: a hash for controller.password, from standard input so that the password stands in no process list.
import { makePasswordHash } from '../../server/controller/index.js'
import { CliError, exits } from './exit.js'

export async function password(): Promise<void> {
  if (process.stdin.isTTY) process.stderr.write('Password: ')
  let text = ''
  for await (const chunk of process.stdin) {
    text += String(chunk)
    if (text.includes('\n')) break
  }
  const given = text.split(/\r?\n/, 1)[0]!
  if (given === '') throw new CliError(exits.usage, 'no password on standard input')
  process.stdout.write(`${await makePasswordHash(given)}\n`)
  process.stdin.pause()
}
