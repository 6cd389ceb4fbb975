// Whether any resolver is heard of. Without it a machine with no DNS would wait for its deadline with every mail; SpamAssassin asks for
// well-known names at its start instead, which tells nothing about later. Comes in: questions sent, answers heard. Goes out: up or down.
// One slow zone is not silence: any answer to any question, even a refusal, proves that a resolver lives.

import { type Alarm, setAlarm } from './alarm.js'

/** Questions that must be unanswered before silence means anything: a single one may hang on a dead zone. */
const questionsMin = 8
/** While down, one question goes out so often. */
const probeMs = 5_000

export interface Hearing {
  /** A question was sent. */
  asked(): void
  /** An answer came; true if it ended a silence. */
  heard(): boolean
  isDown(): boolean
  /** True once per interval while down. */
  mayProbe(): boolean
  close(): void
}

export function createHearing(silenceMs: number, onDown: () => void): Hearing {
  let unanswered = 0
  let down = false
  let probedAt = 0
  let alarm: Alarm | undefined

  function stop(): void {
    alarm?.clear()
    alarm = undefined
  }

  function judge(): void {
    alarm = undefined
    if (down || unanswered < questionsMin) return
    down = true
    probedAt = Date.now()
    onDown()
  }

  return {
    asked() {
      unanswered += 1
      if (down || alarm !== undefined || unanswered < questionsMin) return
      alarm = setAlarm(silenceMs, judge)
    },
    heard() {
      const wasDown = down
      stop()
      unanswered = 0
      down = false
      return wasDown
    },
    isDown: () => down,
    mayProbe() {
      if (Date.now() - probedAt < probeMs) return false
      probedAt = Date.now()
      return true
    },
    close: stop,
  }
}
