// Plugins of SpamAssassin whose work the engine itself does here (kinds of rules, replacement of tags): only their names are needed,
// so that `ifplugin` and `loadplugin` find them.
import type { Plugin } from '../../rules/engine/types.js'

export const enginePlugins: readonly Plugin[] = [
  { name: 'Check' },
  {
    name: 'MIMEHeader',
    features: [
      'has_all_header',
      'has_tflags_range',
      'has_tflags_concat',
      'has_tflags_multiple',
      'has_capture_rules',
    ],
  },
  { name: 'ReplaceTags' },
  { name: 'URIDetail', features: ['has_host_key'] },
  { name: 'Shortcircuit' },
]
