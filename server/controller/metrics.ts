// The page of /metrics, for the controller and for scan ports (rspamd serves it on both from 3.9 on).
import type { Core } from '../../src/types.js'
import { symbolTable } from '../rspamd/scan.js'
import type { ControllerOptions } from './context.js'

export async function metricsText(core: Core, options: ControllerOptions): Promise<string> {
  const { metrics, startedAt, version } = options
  const [stats, symbols, gauges] = await Promise.all([
    core.stats(),
    symbolTable(core),
    options.gauges?.() ?? [],
  ])
  return metrics.text({
    stats,
    gauges,
    startedAt,
    version,
    groupOf: (symbol) => symbols.get(symbol)?.group,
  })
}
