// A timer for waiting on the world. Timers of Node fire before the packets are read that came while the thread was computing, so that a
// plain setTimeout calls answers late that are there already; compiling the rules in a one-thread hamd takes seconds.

/** Lateness that shows that the thread was busy. */
const busyMs = 20
/** Time to read what has come meanwhile. */
const catchUpMs = 50

export interface Alarm {
  clear(): void
}

/** Rings after `delayMs`, or a little later when the thread was busy then; never before packets that wait have been read. */
export function setAlarm(delayMs: number, ring: () => void): Alarm {
  const delay = Math.max(0, delayMs)
  const due = Date.now() + delay
  let immediate: NodeJS.Immediate | undefined
  const readFirst = () => {
    immediate = setImmediate(ring)
  }
  let timer = setTimeout(() => {
    if (Date.now() - due <= busyMs) readFirst()
    else timer = setTimeout(readFirst, catchUpMs)
  }, delay)
  return {
    clear() {
      clearTimeout(timer)
      clearImmediate(immediate)
    },
  }
}
