// Any number of different mails without a corpus.
import { createRandom } from '../../bayes/random.js'

export function inventMail(number: number): Buffer {
  const random = createRandom(number)
  const words = Array.from({ length: 120 }, () => 'w' + Math.floor(random() ** 2 * 20_000).toString(36))
  return Buffer.from(
    `From: Sender ${number % 97} <s${number % 97}@d${number % 31}.example>\nTo: user@example.org\nSubject: ${words.slice(0, 5).join(' ')}\n` +
      `Message-ID: <${number}@d${number % 31}.example>\nDate: Mon, 6 Jul 2026 10:00:00 +0000\n\n${words.join(' ')}\n`,
  )
}
