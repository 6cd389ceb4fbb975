// How far the value of a rule is known during a run: what metas wait for.

export const unsettled = 0
/** At the end only, because something did not run. */
export const late = 1
export const early = 2
