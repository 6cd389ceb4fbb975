// The list of subjects: every plugin whose directives and evals the .cf rules may use. One line each.
import type { Plugin } from '../../rules/engine/types.js'

export const plugins: readonly Plugin[] = []
