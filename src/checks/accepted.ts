// Plugins of SpamAssassin whose service hamd does not use: their words are accepted and their rules never hit, so that old
// configurations load without complaint. Pyzor, Razor and DCC ask networks of checksums through programs of their own; SpamCop only
// reports; ExtractText starts programs on attachments; ResourceLimits bounds a Perl process; AutoLearnThreshold is settings that the scan reads after the verdict.

import { numberDirective, stringDirective } from '../../rules/engine/directive.js'
import type { Directive, Eval, Plugin } from '../../rules/engine/types.js'

const never: Eval = () => false

const texts = (names: string, scope: Directive['scope'] = 'user'): Directive[] =>
  names.split(' ').map((name) => stringDirective(name, undefined, { scope }))

export const autoLearnThreshold: Plugin = {
  name: 'AutoLearnThreshold',
  directives: [
    numberDirective('bayes_auto_learn_threshold_nonspam', 0.1),
    numberDirective('bayes_auto_learn_threshold_spam', 12),
    numberDirective('bayes_auto_learn_on_error', 0),
  ],
}

export const acceptedPlugins: readonly Plugin[] = [
  autoLearnThreshold,
  {
    name: 'Pyzor',
    features: ['has_fork', 'has_perl'],
    directives: [
      ...texts('use_pyzor pyzor_count_min pyzor_max pyzor_welcomelist_min pyzor_welcomelist_factor'),
      ...texts('pyzor_whitelist_min pyzor_whitelist_factor'),
      ...texts('pyzor_fork pyzor_perl pyzor_timeout pyzor_options pyzor_path pyzor_server_file', 'admin'),
    ],
    evals: { check_pyzor: never },
  },
  {
    name: 'Razor2',
    features: ['has_fork'],
    directives: [...texts('use_razor2'), ...texts('razor_fork razor_timeout razor_config', 'admin')],
    evals: { check_razor2: never, check_razor2_range: never },
  },
  {
    name: 'DCC',
    directives: [
      ...texts('use_dcc use_dcc_rep dcc_body_max dcc_fuz1_max dcc_fuz2_max dcc_rep_percent'),
      ...texts(
        'dcc_timeout dcc_home dcc_dccifd_path dcc_path dcc_options dccifd_options dcc_learn_score',
        'admin',
      ),
    ],
    evals: { check_dcc: never, check_dcc_reputation_range: never },
  },
  {
    name: 'SpamCop',
    directives: [
      ...texts('spamcop_from_address spamcop_to_address spamcop_max_report_size'),
      ...texts('spamcop_relayhost', 'admin'),
    ],
  },
  {
    name: 'ExtractText',
    directives: texts(
      'extracttext_maxparts extracttext_timeout extracttext_external extracttext_use',
      'admin',
    ),
  },
  { name: 'PhishTag', directives: texts('trigger_target trigger_config trigger_ratio') },
  { name: 'Reuse', directives: texts('run_reuse_tests_only', 'admin') },
  { name: 'Rule2XSBody' },
  { name: 'OneLineBodyRuleType' },
  { name: 'BodyRuleBaseExtractor' },
  { name: 'ResourceLimits', directives: texts('resource_limit_cpu resource_limit_mem', 'admin') },
]
