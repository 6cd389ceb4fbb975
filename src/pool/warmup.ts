// Messages that every worker scans before it says ready, so that the hot path is compiled when the port opens. They go through the
// rules, network evals included, under a resolver that knows no name: nothing is asked on behalf of mail that nobody sent. At a reload
// the scans of the ruling in force go on between them.
import { randomUUID } from 'node:crypto'
import { setImmediate as turn } from 'node:timers/promises'
import { type ScanContext, scanMessage } from '../scan.js'
import type { Net } from '../types.js'

const plain = `Received: from mail.example.org (mail.example.org [192.0.2.7]) by mx.example.net with ESMTP id abc123; Tue, 14 Jul 2026 10:00:01 +0000
From: Alice <alice@example.org>
To: Bob <bob@example.net>
Subject: Minutes of Tuesday
Message-ID: <20260714100000.1234@mail.example.org>
Date: Tue, 14 Jul 2026 10:00:00 +0000
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8

Hello Bob,

the minutes are at https://wiki.example.org/minutes?id=42. Call me under 0123 456 789
if anything is missing, or write to office@example.org.

> On Monday you wrote:
> please send them soon

-- \nAlice
`

const html = `Received: from [198.51.100.3] (helo=shop.example) by mx.example.net with esmtp (Exim 4.96) id 1abc-0001; Tue, 14 Jul 2026 10:05:00 +0000
From: "Best Offers" <offers@shop.example>
To: bob@example.net
Subject: =?UTF-8?Q?Save_50_%_today=21?=
Message-ID: <1@shop.example>
Date: Tue, 14 Jul 2026 10:05:00 +0000
MIME-Version: 1.0
Content-Type: multipart/alternative; boundary="b1"

--b1
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

Click here to order now: http://shop.example/order?id=3D1
--b1
Content-Type: text/html; charset=utf-8
Content-Transfer-Encoding: base64

PGh0bWw+PGJvZHkgYmdjb2xvcj0iI2ZmZmZmZiI+PHA+PGI+RlJFRTwvYj4gdHJpYWwgPGEgaHJlZj0iaHR0cDovL3Nob3AuZXhhbXBsZS9vcmRlciI+
Y2xpY2sgaGVyZTwvYT48L3A+PGltZyBzcmM9Imh0dHA6Ly9pbWcuc2hvcC5leGFtcGxlL2EuZ2lmIj48L2JvZHk+PC9odG1sPgo=
--b1--
`

/** Rounds over the two messages: what is made at its first use is there then, and V8 knows what it is used with. More gain no message. */
const rounds = 2

function silentNet(enabled: boolean): Net {
  return {
    dns: {
      enabled,
      query: async () => (enabled ? { status: 'nxdomain' } : { status: 'failed', reason: 'disabled' }),
    },
  }
}

/** @param onRule told of each rule about to run, as in a scan. */
export async function warmUp(context: ScanContext, onRule?: (rule: number) => void): Promise<void> {
  const quiet: ScanContext = { ...context, net: silentNet(context.net.dns.enabled) }
  for (let round = 0; round < rounds; round++) {
    for (const text of [plain, html]) {
      const raw = Buffer.from(text)
      await scanMessage(
        { id: randomUUID(), raw, envelope: { rcptTo: [] }, wants: {}, front: 'warm-up' },
        quiet,
        onRule,
      )
      await turn()
    }
  }
}
