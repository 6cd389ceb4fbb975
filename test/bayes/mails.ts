// Invented mails for the learner's tests: each number gives another mail of the class.

const hamTopics = [
  'meeting',
  'budget',
  'patch',
  'kernel',
  'lunch',
  'deadline',
  'review',
  'branch',
  'travel',
  'invoice',
]
const spamTopics = [
  'viagra',
  'casino',
  'lottery',
  'mortgage',
  'winner',
  'pills',
  'replica',
  'refinance',
  'jackpot',
  'enlarge',
]

function mail(number: number, topics: readonly string[], sender: string, phrase: string): Buffer {
  const words = Array.from(
    { length: 30 },
    (_, i) => topics[(number * 7 + i * 3) % topics.length]! + ((number + i) % 5),
  )
  return Buffer.from(
    `Received: from ${sender} (host${number % 9}.${sender} [192.0.2.${number % 250}]) by mx.example.org; Mon, 6 Jul 2026 10:00:00 +0000\n` +
      `From: Person ${number} <p${number}@${sender}>\nTo: user@example.org\nSubject: ${topics[number % topics.length]} ${phrase}\n` +
      `Message-ID: <${number}.${phrase.length}@${sender}>\nDate: Mon, 6 Jul 2026 10:00:${String(number % 60).padStart(2, '0')} +0000\n` +
      `Content-Type: text/plain; charset=utf-8\n\n${phrase} ${number}\n${words.join(' ')}\n`,
  )
}

export function ham(number: number): Buffer {
  return mail(number, hamTopics, 'colleagues.example', 'about the project we discussed')
}

export function spam(number: number): Buffer {
  return mail(number, spamTopics, 'offers.example', 'act now, limited offer!!!')
}
