// Virus rules over the Fact of clamd, and the failures of the other Facts as symbols of their own, so that an admin sees and may score
// what could not be checked. Names and scores stand in rules/30_network.cf.
import type { Eval, EvalContext, Plugin } from '../../rules/engine/types.js'

/** Not a promise where nobody is asked: the run would wait for it, with a timer. */
const checkVirus: Eval = (context, pattern) =>
  context.scan.net.clamd === undefined ? false : findVirus(context, pattern)

const checkVirusFailed: Eval = (context) =>
  context.scan.net.clamd === undefined ? false : findFailure(context)

async function findVirus(context: EvalContext, pattern: string | undefined): Promise<boolean> {
  const outcome = await context.scan.facts.virus()
  if (outcome.status !== 'infected') return false
  const named = outcome.viruses.filter((virus) => pattern === undefined || virus.includes(pattern))
  for (const virus of named) context.detail(virus)
  return named.length > 0
}

async function findFailure(context: EvalContext): Promise<boolean> {
  const outcome = await context.scan.facts.virus()
  if (outcome.status !== 'failed') return false
  context.detail(outcome.reason)
  return true
}

export const virus: Plugin = {
  name: 'ClamAV',
  evals: {
    // check_clamav() any virus; check_clamav('text') only those whose name holds the text.
    check_clamav: checkVirus,
    check_antivirus: checkVirus,
    check_clamav_failed: checkVirusFailed,
    check_dkim_temperror: async ({ scan }) =>
      (await scan.facts.dkim()).signatures.some(({ result }) => result === 'temperror'),
    check_dkim_permerror: async ({ scan }) => {
      const { signatures } = await scan.facts.dkim()
      return signatures.length > 0 && signatures.every(({ result }) => result === 'permerror')
    },
    check_dmarc_failed: async ({ scan }) => {
      const { result } = await scan.facts.dmarc()
      return result === 'temperror' || result === 'permerror'
    },
    check_arc_failed: async ({ scan }) => (await scan.facts.dkim()).arc?.result === 'fail',
  },
}
