// The door of scan workers: features of a mail and an opinion on them, and nothing that learns. A worker that came in by index.ts would load
// SQLite and the learner with it: 25 ms of its start, 3 MB.
import { BroadcastChannel } from 'node:worker_threads'
import { type Classifier, createClassifierOf, type SharedLearner } from './classifier.js'
import type { SharedModel } from './model/model.js'

export type { Classifier, ClassifyOptions, SharedLearner } from './classifier.js'
export type { Features } from './features.js'
export { encodeFeatures } from './store/codec.js'

/** The reading side for one thread; follows the learner's announcements. */
export function createClassifier(shared: SharedLearner): Classifier {
  if (shared.channel === undefined) return createClassifierOf(shared)
  const announcements = new BroadcastChannel(shared.channel)
  const classifier = createClassifierOf(shared, (user) => announcements.postMessage({ want: user }))
  announcements.onmessage = (event: unknown) => {
    const { data } = event as {
      data: { models?: readonly (readonly [string, SharedModel | undefined])[]; salt?: number }
    }
    if (data.salt !== undefined) classifier.reseed(data.salt)
    for (const [owner, model] of data.models ?? []) classifier.adopt(owner, model)
  }
  // The channel must not keep a thread alive.
  announcements.unref()
  announcements.postMessage('hello')
  return classifier
}
