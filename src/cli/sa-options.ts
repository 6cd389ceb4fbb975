// What the command lines of spamassassin and sa-learn share: -D with areas behind it, and options that change nothing here.

/** `-D` takes areas, or none: whatever follows and is no option belongs to it, as in SpamAssassin. */
export function withoutDebugAreas(argv: readonly string[]): string[] {
  const args: string[] = []
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at]!
    if (word === '--') return [...args, ...argv.slice(at)]
    if (/^--debug(?:=|$)|^-D/.test(word)) {
      args.push('--debug')
      const alone = word === '-D' || word === '--debug'
      if (alone && argv[at + 1] !== undefined && !argv[at + 1]!.startsWith('-')) at++
    } else args.push(word)
  }
  return args
}

/** With -D, says which of the options given change nothing, and why. */
export function tellIdle(
  values: Readonly<Record<string, unknown>>,
  idle: Readonly<Record<string, string>>,
): void {
  if (!values['debug']) return
  for (const [name, why] of Object.entries(idle))
    if (values[name] !== undefined) process.stderr.write(`dbg: option --${name} has no effect: ${why}\n`)
}
