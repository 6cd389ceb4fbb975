// hamd's own words in the .cf language: what a hit makes the MTA do and say, which SpamAssassin leaves to the MTA.
//   hamd_action  RULE reject|soft reject|quarantine|discard|add header|...   forces an action whatever the score says
//   hamd_message RULE text                                                  text for the SMTP reply and the report; _DETAILS_ = what the check found
import type { Directive, Plugin } from '../../rules/engine/types.js'
import { actionsBySeverity } from '../actions.js'

const actions: ReadonlySet<string> = new Set(actionsBySeverity)

/** Folds `NAME text` lines into a Map; the last line of a rule wins. */
function perRule(name: string, check: (text: string) => string | undefined): Directive {
  return {
    name,
    scope: 'admin',
    initial: new Map<string, string>(),
    read(line, value, context) {
      const match = /^(\w+)\s+(.+)$/.exec(line.value)
      const wrong = match ? check(match[2]!) : `${name} needs a rule and a text`
      if (wrong) {
        context.problem('bad-value', wrong)
        return value
      }
      return new Map(value as Map<string, string>).set(match![1]!, match![2]!)
    },
  }
}

export const hamd: Plugin = {
  name: 'Hamd',
  directives: [
    perRule('hamd_action', (text) =>
      actions.has(text) ? undefined : `no such action: ${text}; known: ${[...actions].join(', ')}`,
    ),
    perRule('hamd_message', () => undefined),
  ],
}
