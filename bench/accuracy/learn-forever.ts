// Child of kills.ts: teaches invented mails through the learner thread and writes the number of each one that was acknowledged.
import { writeSync } from 'node:fs'
import { openLearner } from '../../bayes/index.js'
import { inventMail } from './invent.js'

const [, , dataDir, from] = process.argv
const learner = await openLearner({ dataDir: dataDir! })
for (let number = Number(from); ; number += 20) {
  const batch = Array.from({ length: 20 }, (_, i) => number + i)
  await Promise.all(
    batch.map(async (i) => {
      const mailClass = i % 2 ? 'spam' : 'ham'
      const outcome = await learner.learn({ raw: inventMail(i), class: mailClass, source: 'cli' })
      if (outcome.status === 'learned') writeSync(1, `${i}\n`)
    }),
  )
}
