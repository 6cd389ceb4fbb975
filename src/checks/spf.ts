// SPF rules: one eval per result and identity over the Fact, and the lists of senders that SPF vouches for.
import { boolDirective, durationDirective } from '../../rules/engine/directive.js'
import type { Eval, EvalContext, Plugin } from '../../rules/engine/types.js'
import { findSender } from '../facts/sender.js'
import type { AuthResult, SpfOutcome } from '../types.js'
import { inAddressList } from './addresslists.js'
import { acceptedSigners, spfListDirective } from './authlists.js'

function resultEval(scope: SpfOutcome['scope'], wanted: AuthResult): Eval {
  return async (context) => {
    const outcome = (await context.scan.facts.spf())[scope]
    if (outcome?.result !== wanted) return false
    if (wanted === 'fail' && outcome.comment !== '') context.detail(`SPF failed: ${outcome.comment}`)
    return true
  }
}

function mailFrom({ scan, settings }: EvalContext): string | undefined {
  const alwaysTrust = settings.values.get('always_trust_envelope_sender') === true
  return findSender(scan.request.envelope, scan.views, alwaysTrust).mailFrom
}

function listEval(fromSpf: string, auth: string): Eval {
  return async (context) => {
    const address = mailFrom(context)
    if (!address) return false
    const isListed =
      acceptedSigners(context.settings, 'spf_lists', fromSpf, address).length > 0 ||
      inAddressList(context.settings, auth, address)
    return isListed && (await context.scan.facts.spf()).mfrom?.result === 'pass'
  }
}

const welcome = listEval('welcomelist_from_spf', 'welcomelist_auth')
const defaultWelcome = listEval('def_welcomelist_from_spf', 'def_welcomelist_auth')

const results = ['pass', 'neutral', 'none', 'fail', 'softfail', 'permerror', 'temperror'] as const

export const spf: Plugin = {
  name: 'SPF',
  directives: [
    spfListDirective,
    durationDirective('spf_timeout', 5, { scope: 'admin' }),
    boolDirective('ignore_received_spf_header', false, { scope: 'admin' }),
    boolDirective('use_newest_received_spf_header', false, { scope: 'admin' }),
    boolDirective('do_not_use_mail_spf', false, { scope: 'admin' }),
    boolDirective('do_not_use_mail_spf_query', true, { scope: 'admin' }),
  ],
  evals: {
    ...Object.fromEntries(results.map((result) => [`check_for_spf_${result}`, resultEval('mfrom', result)])),
    ...Object.fromEntries(
      results.map((result) => [`check_for_spf_helo_${result}`, resultEval('helo', result)]),
    ),
    check_spf_skipped_noenvfrom: (context) => mailFrom(context) === undefined,
    check_for_spf_welcomelist_from: welcome,
    check_for_spf_whitelist_from: welcome,
    check_for_def_spf_welcomelist_from: defaultWelcome,
    check_for_def_spf_whitelist_from: defaultWelcome,
  },
}
