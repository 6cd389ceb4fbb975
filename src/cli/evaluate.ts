// `hamd evaluate`: measures the learner on the user's own mail (CONTRACT.md).
import { formatMetrics, evaluate as measure, readIndex } from '../../bayes/evaluate.js'
import { CliError, exits } from './exit.js'

interface EvaluateOptions {
  readonly index: string
  readonly online?: boolean
  readonly half?: boolean
  readonly json?: boolean
}

export async function evaluate(options: EvaluateOptions): Promise<void> {
  if (options.online && options.half) throw new CliError(exits.usage, 'give --online or --half, not both')
  const mails = (() => {
    try {
      return readIndex(options.index)
    } catch (error) {
      throw new CliError(exits.usage, error instanceof Error ? error.message : String(error))
    }
  })()
  const { metrics } = measure(mails, { mode: options.half ? 'half' : 'online' })
  process.stdout.write(options.json ? `${JSON.stringify(metrics)}\n` : `${formatMetrics(metrics)}\n`)
}
