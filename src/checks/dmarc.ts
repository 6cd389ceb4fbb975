// DMARC rules: one eval per outcome of the Fact.
import { boolDirective } from '../../rules/engine/directive.js'
import type { Eval, Plugin } from '../../rules/engine/types.js'
import type { DmarcOutcome } from '../types.js'

function outcomeEval(fits: (outcome: DmarcOutcome) => boolean): Eval {
  return async ({ scan }) => fits(await scan.facts.dmarc())
}

function failWith(policy: DmarcOutcome['policy']): Eval {
  return outcomeEval((outcome) => outcome.result === 'fail' && outcome.policy === policy)
}

export const dmarc: Plugin = {
  name: 'DMARC',
  directives: [boolDirective('dmarc_save_reports', false, { scope: 'admin' })],
  evals: {
    check_dmarc_pass: outcomeEval(({ result }) => result === 'pass'),
    check_dmarc_reject: failWith('reject'),
    check_dmarc_quarantine: failWith('quarantine'),
    check_dmarc_none: failWith('none'),
    // No domain: nothing was asked, which is not the same as no policy.
    check_dmarc_missing: outcomeEval(({ result, domain }) => result === 'none' && domain !== ''),
  },
}
