import type { Learner } from './learner.js'

export function importSaLearn(
  _learner: Learner,
  file: string,
): { spam: number; ham: number; tokens: number } {
  throw new Error(`${file}: not a sa-learn backup`)
}
